#!/bin/bash
# it's a script of a tutorial
BASE_URL=https://xray.cloud.getxray.app
token=$(curl -H "Content-Type: application/json" -X POST --data @"cloud_auth.json" "$BASE_URL/api/v2/authenticate" | tr -d '"')
curl -H "Content-Type: application/json" -X POST -H "Authorization: Bearer $token" --data @"report.json" "$BASE_URL/api/v2/import/execution/cucumber"
curl -H "Authorization: Bearer $token" --data @"$(ls -t out | head -1)" "$BASE_URL/api/v2/import/execution?projectKey=$1"
