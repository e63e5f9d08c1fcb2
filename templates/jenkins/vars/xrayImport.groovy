/*
 * The step `xrayImport(...)`; xrayImport.txt says what it takes. Knows Jenkins; knows no setting of xray-ci but those it sets itself.
 */
import groovy.json.JsonOutput
import groovy.transform.Field

@Field final String IMAGE = 'ghcr.io/org/xray-ci:v1'
/** What the step takes itself. Every other argument is a setting of xray-ci. */
@Field final List<String> OWN = ['archive', 'credentials', 'credentialsId', 'dockerArgs', 'image', 'tokenCredentialsId']
/** Written as an argument a secret would be in the Jenkinsfile, and nothing would mask it in the log. */
@Field final List<String> SECRETS = [
    'CLIENT_ID', 'CLIENT_SECRET', 'JIRA_TOKEN', 'JIRA_PASSWORD', 'OAUTH_CONSUMER_KEY', 'OAUTH_TOKEN',
    'OAUTH_PRIVATE_KEY', 'STATE_KEY', 'HTTP_HEADERS',
    'SNAPSHOTS', 'SNAPSHOT_URLS', 'SNAPSHOT_API_KEY', 'SNAPSHOT_BEARER_TOKEN',
]

Map call(Map arguments = [:]) {
    Map settings = settingsOf(arguments)
    String secret = secretIn(settings)
    if (secret) {
        error("xrayImport: ${secret} is a secret. Keep it as a credential of Jenkins and name that by credentialsId, tokenCredentialsId or credentials.")
    }
    String image = arguments.containsKey('image') ? arguments.image : IMAGE
    int code = 0
    if (image) {
        // Credentials are bound inside, so that they are no part of the command line that starts the container.
        docker.image(image).inside("--entrypoint='' ${arguments.dockerArgs ?: ''}".trim()) {
            code = importWith(arguments, settings)
        }
    } else {
        code = importWith(arguments, settings)
    }
    if (arguments.archive != false) {
        archiveArtifacts(artifacts: settings.XRAY_CI_RESULT_FILE, allowEmptyArchive: true)
    }
    String said = "xray-ci ended with exit code ${code}: its last lines say why, and what to do next."
    if (code > 1) {
        error(said)
    } else if (code == 1) {
        unstable(said)
    }
    String dotenv = settings.XRAY_CI_DOTENV_FILE
    return outputsOf(fileExists(dotenv) ? readFile(file: dotenv, encoding: 'UTF-8') : '') + [exitCode: code]
}

/** Run it with all settings and credentials as variables: the shell line is the same for everybody. */
int importWith(Map arguments, Map settings) {
    List bindings = []
    if (arguments.credentialsId) {
        bindings << usernamePassword(credentialsId: arguments.credentialsId,
                                     usernameVariable: 'XRAY_CI_CLIENT_ID', passwordVariable: 'XRAY_CI_CLIENT_SECRET')
    }
    if (arguments.tokenCredentialsId) {
        bindings << string(credentialsId: arguments.tokenCredentialsId, variable: 'XRAY_CI_JIRA_TOKEN')
    }
    bindings.addAll(arguments.credentials ?: [])
    int code = 0
    withEnv(pairsOf(settings)) {
        withCredentials(bindings) {
            // What an earlier build left in this workspace is not what this one says.
            code = sh(label: 'xray-ci', returnStatus: true, script: 'rm -f "$XRAY_CI_DOTENV_FILE" "$XRAY_CI_RESULT_FILE"; xray-ci')
        }
    }
    return code
}

/** `testPlan`, `test-plan` and `test_plan` are one setting. A name nobody knows goes on: xray-ci says which one was meant. */
@NonCPS
Map settingsOf(Map arguments) {
    Map settings = [XRAY_CI_DOTENV_FILE: 'xray-ci.env', XRAY_CI_RESULT_FILE: 'xray-result.json']
    for (entry in arguments) {
        if (!OWN.contains(entry.key) && entry.value != null) {
            String name = entry.key.replaceAll('([a-z0-9])([A-Z])', '$1_$2').replace('-', '_').toUpperCase(Locale.ROOT)
            settings['XRAY_CI_' + name] = textOf(entry.value)
        }
    }
    return settings
}

@NonCPS
String textOf(Object value) {
    if (value instanceof Map) {
        return JsonOutput.toJson(value)
    }
    return value instanceof Collection ? value.join('\n') : value.toString()
}

@NonCPS
String secretIn(Map settings) {
    for (name in SECRETS) {
        if (settings.containsKey('XRAY_CI_' + name)) {
            return name.toLowerCase(Locale.ROOT).replace('_', '-')
        }
    }
    return null
}

@NonCPS
List<String> pairsOf(Map settings) {
    List<String> pairs = []
    for (entry in settings) {
        pairs << (entry.key + '=' + entry.value)
    }
    return pairs
}

/** `XRAY_TEST_EXECUTION_KEY=SHOP-7` becomes testExecutionKey: 'SHOP-7'. */
@NonCPS
Map outputsOf(String dotenv) {
    Map outputs = [:]
    for (line in dotenv.split('\n')) {
        int at = line.indexOf('=')
        if (at > 0) {
            String name = ''
            for (word in line.substring(0, at).replaceFirst('^XRAY_', '').toLowerCase(Locale.ROOT).split('_')) {
                name += name ? word.capitalize() : word
            }
            outputs[name] = line.substring(at + 1)
        }
    }
    return outputs
}
