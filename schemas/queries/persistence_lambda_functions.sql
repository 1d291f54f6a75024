-- Who changed Lambda functions: their code, layers, permissions, URLs or triggers?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: Lambda management events (write).
-- Blind spots: the code is not in the record, only its hash (codeSha256). Deployments make the same calls. Event
--   names carry the API's date (UpdateFunctionCode20150331v2); dry runs of a code update are left out.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    user_agent,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.functionName'),
        json_extract_scalar(request_parameters, '$.layerName')
    ) AS function_or_layer,
    json_extract_scalar(request_parameters, '$.principal') AS allowed_principal,
    json_extract_scalar(request_parameters, '$.authType') AS url_auth_type,
    json_format(json_extract(request_parameters, '$.layers')) AS layers,
    json_extract_scalar(response_elements, '$.codeSha256') AS code_sha256,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND event_source = 'lambda.amazonaws.com'
    AND regexp_replace(event_name, '[0-9]{8}(v[0-9]+|)$', '') IN (
        'CreateFunction', 'UpdateFunctionCode', 'UpdateFunctionConfiguration', 'AddPermission', 'PublishLayerVersion',
        'AddLayerVersionPermission', 'CreateFunctionUrlConfig', 'UpdateFunctionUrlConfig', 'CreateEventSourceMapping',
        'UpdateEventSourceMapping'
    )
    AND coalesce(json_extract_scalar(request_parameters, '$.dryRun'), 'false') <> 'true'
ORDER BY event_time, event_id
