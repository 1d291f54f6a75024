-- Who uses AI models in Bedrock, or opened access to them?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: Bedrock management events, read-only ones included; Bedrock data events for agents and streaming.
-- Blind spots: prompts, answers and token counts are not in CloudTrail (model invocation logging has them).
SELECT
    coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
    source_ip_address,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.modelId'),
        json_extract_scalar(request_parameters, '$.agentId')
    ) AS model,
    aws_region,
    outcome,
    max(error_code) AS error_code,
    count(DISTINCT coalesce(shared_event_id, event_id, CAST(event_time AS varchar))) AS calls,
    max(user_agent) AS user_agent,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category IN ('management', 'data')
    AND event_source IN ('bedrock.amazonaws.com', 'bedrock-runtime.amazonaws.com')
    AND event_name IN (
        'InvokeModel', 'InvokeModelWithResponseStream', 'InvokeModelWithBidirectionalStream', 'Converse',
        'ConverseStream', 'InvokeAgent', 'StartAsyncInvoke', 'CreateModelInvocationJob', 'PutUseCaseForModelAccess',
        'PutFoundationModelEntitlement', 'CreateFoundationModelAgreement'
    )
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY first_event_time, principal, event_name
