#!/bin/sh
# Calls the API with curl. Further arguments go to curl: curl_client.sh --http2
set -eu
url=${API_URL:-http://localhost:8000}
folder=$(dirname "$0")
request=curl-$$

call() { curl -sS ${API_KEY:+-H "X-API-Key: $API_KEY"} "$@"; }
predict() { call -H 'Content-Type: application/json' "$@" "$url/predict"; }

printf 'three fields: '
predict "$@" -d '{"records": [{"race": "Caucasian", "gender": "Female", "age": "[60-70)"}]}'
printf '\nall fields: '
printf '{"records": [%s]}' "$(cat "$folder/record.json")" | predict "$@" -H "X-Request-ID: $request" --data @-
printf '\nunknown value: '
predict "$@" -d '{"records": [{"race": "Unheard of"}]}' -w ' %{http_code}'
printf '\nfile: '
call "$@" -F "file=@$folder/patients.csv" "$url/predict/csv" | tail -n +2 | cut -d, -f4 | tr '\n' ' '
printf '\nmodel: '
call "$@" "$url/model"
printf '\noutcome: '
call "$@" -H 'Content-Type: application/json' "$url/feedback" \
  -d '{"outcomes": [{"request_id": "'"$request"'", "readmitted": "NO", "known_on": "'"$(date -u +%F)"'"}]}'
echo
