/*
 * Runs a Jenkinsfile without Jenkins: the steps it needs, and `sh` for real, on this machine or in a container as the Docker Pipeline
 * plugin does it. Knows Jenkins; knows nothing of xray-ci. `groovy jenkins.groovy ORDER`, where ORDER is a JSON file; says what it did
 * as JSON, one event a line, in the file `events` of the order, and writes the log of the build to its standard output.
 * `groovy jenkins.groovy --parse FILE...` only reads Jenkinsfiles, and fails for one that is no Groovy.
 */
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.FileSystems
import org.codehaus.groovy.control.CompilerConfiguration

@interface NonCPS {}

@interface Library { String[] value() }

class StepFailed extends RuntimeException {
    StepFailed(String message) { super(message) }
}

/** What a build is: its log, its result, its variables, and the container it is in. */
class Build {
    static final Map<String, Integer> RESULTS = [SUCCESS: 0, UNSTABLE: 1, FAILURE: 2]
    Map order
    String result = 'SUCCESS'
    String container
    /** Variables of the blocks around a step, the inner ones last. */
    List<Map<String, String>> around = []
    List<String> masked = []
    int scripts = 0

    File getWorkspace() { new File(order.workspace as String) }

    File getTemp() { new File(order.workspace + '@tmp') }

    File file(String name) { name.startsWith('/') ? new File(name) : new File(workspace, name) }

    void event(Map facts) { new File(order.events as String) << JsonOutput.toJson(facts) + '\n' }

    /** Every line of a build goes through the filter that masks bound credentials. */
    void log(String text) {
        masked.each { secret -> text = text.replace(secret, '****') }
        println text
    }

    void worsen(String other) {
        result = RESULTS[other] > RESULTS[result] ? other : result
    }

    void failed(Throwable failure) {
        worsen('FAILURE')
        log("ERROR: ${failure.message}")
        event(kind: 'failure', message: failure.message)
    }

    Map<String, String> variables() {
        Map<String, String> all = [*: order.environment, WORKSPACE: workspace.path, WORKSPACE_TMP: temp.path]
        around.each { all.putAll(it) }
        return all
    }

    Object inside(Map<String, String> variables, Closure body) {
        around << variables
        try {
            return body()
        } finally {
            around.pop()
        }
    }

    /** Start a process as Jenkins' launcher does it, which expands variables in values and in arguments. */
    Map launch(List<String> command, Map<String, String> given, boolean quiet) {
        Map<String, String> environment = new LinkedHashMap<>(order.agent)
        given.each { name, value -> environment[name] = expand(value, environment) }
        List<String> argv = command.collect { expand(it, environment) }
        ProcessBuilder builder = new ProcessBuilder(argv).directory(workspace).redirectErrorStream(true)
        builder.environment().clear()
        builder.environment().putAll(environment)
        Process process = builder.start()
        process.outputStream.close()
        List<String> lines = []
        process.inputStream.withReader('UTF-8') { reader ->
            reader.eachLine { line ->
                lines << line
                quiet ?: log(line)
            }
        }
        int code = process.waitFor()
        event(kind: 'process', argv: argv, code: code, output: lines.join('\n'))
        return [code: code, output: lines.join('\n')]
    }

    /** `$NAME` and `${NAME}` are what they stand for where that is known; `$$` is a dollar sign. */
    static String expand(String text, Map<String, String> known) {
        return text.replaceAll(/\$(\$|\w+|\{[\w.]+\})/) { List<String> found ->
            String name = found[1].replaceAll(/[{}]/, '')
            name == '$' ? '$' : known.getOrDefault(name, found[0])
        }
    }

    /** The step `sh`: a script in the folder beside the workspace, traced, with all variables; in a container by `docker exec`. */
    Map shell(String script) {
        File folder = new File(temp, "durable-${++scripts}")
        folder.mkdirs()
        File file = new File(folder, 'script.sh')
        file.text = script
        event(kind: 'sh', script: script, container: container != null)
        Map<String, String> escaped = variables().collectEntries { name, value -> [name, value.replace('$', '$$')] }
        List<String> command = ['sh', '-xe', file.path]
        if (container) {
            List<String> reduced = escaped.findAll { name, value -> order.agent[name] != value && name != 'PATH' }
                .collectMany { name, value -> ['--env', "${name}=${value}".toString()] }
            command = ['docker', 'exec', *reduced, container, *command]
        }
        return launch(command, escaped, false)
    }

    Object withContainer(String image, String arguments, Closure body) {
        List<String> variables = variables().collectMany { name, value -> ['-e', "${name}=${value}".toString()] }
        List<String> tokens = arguments.split(/\s+/).findAll().collect { it.replaceAll(/['"]/, '') }
        List<String> volumes = [workspace, temp].collectMany { ['-v', "${it.path}:${it.path}:rw,z".toString()] }
        List<String> command = ['docker', 'run', '-t', '-d', '-u', order.user, *order.engine, *tokens, '-w', workspace.path, *volumes,
                                *variables, order.images.getOrDefault(image, image), 'cat']
        Map started = launch(command, [:], true)
        if (started.code != 0) {
            throw new StepFailed("docker run: ${started.output}")
        }
        String outer = container
        container = started.output.readLines().last()
        try {
            return body()
        } finally {
            launch(['docker', 'rm', '--force', container], [:], true)
            container = outer
        }
    }

    List<String> matching(String pattern) {
        def matcher = FileSystems.default.getPathMatcher('glob:' + pattern)
        List<String> found = []
        workspace.eachFileRecurse { file ->
            def path = workspace.toPath().relativize(file.toPath())
            if (file.file && matcher.matches(path)) {
                found << path.toString()
            }
        }
        return found.sort()
    }
}

/** `environment { NAME = 'value' }` */
class Environment {
    Map<String, String> values = [:]
    Build build

    void setProperty(String name, Object value) { values[name] = value.toString() }

    String credentials(String id) { build.order.credentials[id].text }
}

/** `agent { docker { image '…'; args '…'; reuseNode true } }` */
class ContainerAgent {
    String name, arguments = ''
    boolean reused

    void docker(Closure body) {
        body.delegate = this
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }

    void image(String given) { name = given }

    void args(String given) { arguments = given }

    void reuseNode(boolean given) { reused = given }
}

/** What a Jenkinsfile and a library can say. */
class Dsl {
    Build build
    GroovyShell shell
    Map<String, Map<String, byte[]>> stashes = [:]
    Map<String, Script> libraries = [:]
    /** What failed in the stage or the pipeline that is being read: its `post` still runs. */
    List<Throwable> failures = []
    ContainerAgent stageAgent

    Object within(Closure body) {
        body.delegate = this
        body.resolveStrategy = Closure.DELEGATE_FIRST
        return body()
    }

    // Declarative

    void pipeline(Closure body) {
        build.inside([:]) { keeping(body) }
    }

    void agent(Object any) { }

    void agent(Closure body) {
        stageAgent = new ContainerAgent()
        stageAgent.docker(body)
        if (!stageAgent.reused) {
            throw new StepFailed('without reuseNode a stage has a workspace of its own, where nothing is')
        }
    }

    void environment(Closure body) {
        def read = new Environment(build: build)
        body.delegate = read
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
        build.around.last().putAll(read.values)
    }

    void stages(Closure body) { within(body) }

    Object stage(String name, Closure body) {
        if (failures) {
            build.log("Stage \"${name}\" skipped due to earlier failure(s)")
            return null
        }
        stageAgent = null
        return build.inside([STAGE_NAME: name]) { keeping(body) }
    }

    void steps(Closure body) {
        try {
            stageAgent ? build.withContainer(stageAgent.name, stageAgent.arguments) { within(body) } : within(body)
        } catch (StepFailed failure) {
            build.failed(failure)
            failures << failure
        }
    }

    void post(Closure body) {
        try {
            within(body)
        } catch (StepFailed failure) {
            build.failed(failure)
        }
    }

    void always(Closure body) { within(body) }

    void failure(Closure body) { build.result != 'FAILURE' ?: within(body) }

    Object script(Closure body) { within(body) }

    private Object keeping(Closure body) {
        List<Throwable> outer = failures
        failures = []
        try {
            return within(body)
        } finally {
            failures = outer + failures
        }
    }

    // Steps

    Object sh(Object given) {
        Map arguments = given instanceof Map ? given : [script: given]
        Map done = build.shell(arguments.script as String)
        if (arguments.returnStatus) {
            return done.code
        }
        if (done.code != 0) {
            throw new StepFailed("script returned exit code ${done.code}")
        }
        return arguments.returnStdout ? done.output : null
    }

    void echo(Object text) { build.log(text.toString()) }

    void error(Object text) { throw new StepFailed(text.toString()) }

    void unstable(Object text) {
        build.worsen('UNSTABLE')
        build.log("WARNING: ${text}")
        build.event(kind: 'unstable', message: text.toString())
    }

    Object catchError(Map arguments = [:], Closure body) {
        try {
            return within(body)
        } catch (StepFailed failure) {
            build.failed(failure)
        }
    }

    boolean fileExists(String name) { build.file(name).exists() }

    String readFile(Object given) { build.file(given instanceof Map ? given.file : given).getText('UTF-8') }

    void archiveArtifacts(Map arguments) {
        List<String> found = build.matching(arguments.artifacts as String)
        if (!found && !arguments.allowEmptyArchive) {
            throw new StepFailed("No artifacts found that match ${arguments.artifacts}")
        }
        build.event(kind: 'archive', files: found)
    }

    Object withEnv(List<String> pairs, Closure body) {
        return build.inside(pairs.collectEntries { it.split('=', 2) as List }) { within(body) }
    }

    Map usernamePassword(Map arguments) {
        def held = build.order.credentials[arguments.credentialsId]
        return [variables: [(arguments.usernameVariable): held.username, (arguments.passwordVariable): held.password], secrets: [held.password]]
    }

    Map string(Map arguments) {
        def held = build.order.credentials[arguments.credentialsId]
        return [variables: [(arguments.variable): held.text], secrets: [held.text]]
    }

    Map file(Map arguments) {
        def held = build.order.credentials[arguments.credentialsId]
        File secret = new File(build.temp, "secretFiles/${arguments.credentialsId}")
        secret.parentFile.mkdirs()
        secret.text = held.text
        return [variables: [(arguments.variable): secret.path], secrets: [held.text], remove: secret]
    }

    Object withCredentials(List<Map> bindings, Closure body) {
        Map<String, String> variables = bindings.inject([:]) { all, each -> all + each.variables }
        build.masked.addAll(bindings.collectMany { it.secrets })
        try {
            return build.inside(variables) { within(body) }
        } finally {
            bindings.each { it.remove?.delete() }
        }
    }

    Object getDocker() {
        return new Expando(image: { String name ->
            new Expando(inside: { String arguments, Closure body -> build.withContainer(name, arguments) { within(body) } })
        })
    }

    Object getEnv() { build.variables() }

    Object getAny() { 'any' }

    Object getNone() { 'none' }

    Object getScm() { 'scm' }

    void checkout(Object scm) {
        new File(build.order.repository as String).eachFile { file ->
            build.file(file.name).bytes = file.bytes
            build.file(file.name).setExecutable(true, false)
        }
    }

    Object node(String label = '', Closure body) { within(body) }

    void parallel(Map<String, Closure> branches) { branches.each { name, body -> within(body) } }

    void stash(Map arguments) {
        stashes[arguments.name] = build.matching(arguments.includes as String).collectEntries { [it, build.file(it).bytes] }
    }

    void unstash(String name) {
        stashes[name].each { path, bytes ->
            build.file(path).parentFile.mkdirs()
            build.file(path).bytes = bytes
        }
    }

    void deleteDir() {
        build.workspace.listFiles().each { it.directory ? it.deleteDir() : it.delete() }
    }

    Object methodMissing(String name, Object given) {
        File source = new File("${build.order.library}/vars/${name}.groovy")
        if (!source.file) {
            throw new MissingMethodException(name, Dsl, given as Object[])
        }
        if (!libraries[name]) {
            libraries[name] = shell.parse(source)
            libraries[name].binding = new Binding()
            (libraries[name] as Pipeline).setDsl(this)
        }
        return libraries[name].invokeMethod('call', given)
    }
}

/** A script whose unknown names are steps. */
abstract class Pipeline extends Script {
    Dsl dsl

    Object methodMissing(String name, Object given) { dsl.invokeMethod(name, given) }

    Object propertyMissing(String name) { dsl.getProperty(name) }
}

def configuration = new CompilerConfiguration(scriptBaseClass: 'Pipeline', sourceEncoding: 'UTF-8')
def shell = new GroovyShell(this.class.classLoader, new Binding(), configuration)
if (args[0] == '--parse') {
    args.tail().each { shell.parse(new File(it)) }
    return
}
Map order = new JsonSlurper().parse(new File(args[0]), 'UTF-8')
def build = new Build(order: order)
def dsl = new Dsl(build: build, shell: shell)
def script = shell.parse(new File(order.jenkinsfile as String))
script.setDsl(dsl)
try {
    script.run()
} catch (StepFailed failure) {
    build.failed(failure)
}
build.log("Finished: ${build.result}")
build.event(kind: 'result', result: build.result)
