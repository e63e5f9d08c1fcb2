#!/bin/sh
FILE="results of ui.xml"
if [ -f "$FILE" ]; then
  curl -H "Content-Type: multipart/form-data" -u $JIRA_USERNAME:$JIRA_PASSWORD -F "file=@$FILE;type=text/xml" \
    -H "CF-Access-Client-Secret: 0123456789" "$JIRA_BASEURL/rest/raven/2.0/import/execution/junit?projectKey=$PROJECT_KEY"
fi
curl --oauth2-bearer 0123456789abcdef --max-time 50 -F file=@robot.xml https://jira.example.com/rest/raven/2.0/import/execution/robot
