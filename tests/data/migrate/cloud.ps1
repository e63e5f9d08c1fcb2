# uploads what the tests wrote
$base = "https://xray.cloud.getxray.app"
$body = @{
  client_id     = $env:XRAY_CLIENT_ID
  client_secret = $env:XRAY_CLIENT_SECRET
} | ConvertTo-Json
$token = Invoke-RestMethod -Uri "$base/api/v2/authenticate" -Method Post -Body $body -ContentType "application/json"
$headers = @{ "Authorization" = "Bearer $token"; "Content-Type" = "application/xml" }
Invoke-RestMethod -Uri "$base/api/v2/import/execution/nunit?projectKey=SHOP&testPlanKey=$env:PLAN" `
  -Method Post -Headers $headers -InFile ".\out\TestResult.xml" -TimeoutSec 120
$xml = Get-Content "out\junit.xml" -Raw
Invoke-RestMethod ($base + "/api/v2/import/execution/junit?projectKey=SHOP") -Method POST -Headers $headers -Body $xml
$params = @{
  Uri = "https://jira.example.com/rest/raven/2.0/import/execution/trx/multipart"
  Method = 'Post'
  Headers = @{ Authorization = "Bearer $env:JIRA_PAT" }
  Form = @{ file = Get-Item "run.trx" }
}
Invoke-RestMethod @params
curl.exe -u "tester:hunter2-hunter2" -F "file=@results\a.xml" `
  "https://jira.example.com/rest/raven/2.0/import/execution/junit?projectKey=SHOP"
