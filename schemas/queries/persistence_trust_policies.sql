-- Which roles were opened to other accounts, to everybody or to an identity provider by their trust policy?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: IAM management events (write; us-east-1).
-- Blind spots: the policy is judged by its text: any 12-digit number other than the own account counts as a foreign
--   account wherever it stands, and conditions may narrow the trust. Permissions are not judged.
WITH policies AS (
    SELECT DISTINCT
        event_time,
        coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
        source_ip_address,
        event_name,
        json_extract_scalar(request_parameters, '$.roleName') AS role_name,
        coalesce(
            json_extract_scalar(request_parameters, '$.assumeRolePolicyDocument'),
            json_extract_scalar(request_parameters, '$.policyDocument')
        ) AS policy,
        coalesce(recipient_account_id, user_account_id, '') AS account_id,
        outcome,
        error_code,
        event_id
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'management'
        AND event_source = 'iam.amazonaws.com'
        AND event_name IN ('CreateRole', 'UpdateAssumeRolePolicy')
), parsed AS (
    SELECT
        *,
        json_format(json_extract(policy, '$.Statement')) AS statements
    FROM policies
), judged AS (
    SELECT
        *,
        array_join(
            array_sort(array_distinct(filter(regexp_extract_all(policy, '[0-9]{12}'), a -> a <> account_id))), ', '
        ) AS foreign_accounts,
        -- one statement is an object, several are an array
        cardinality(filter(
            CAST(json_parse(
                CASE WHEN statements LIKE '[%' THEN statements ELSE '[' || statements || ']' END
            ) AS array(json)),
            s -> json_extract_scalar(s, '$.Effect') = 'Allow'
                AND strpos(json_format(json_extract(s, '$.Principal')), '"*"') > 0
        )) > 0 AS trusts_everybody,
        strpos(policy, '"Federated"') > 0 AS trusts_identity_provider
    FROM parsed
)
SELECT
    event_time,
    who,
    source_ip_address,
    event_name,
    role_name,
    foreign_accounts,
    trusts_everybody,
    trusts_identity_provider,
    policy,
    account_id,
    outcome,
    error_code,
    event_id
FROM judged
WHERE foreign_accounts <> ''
    OR trusts_everybody
    OR trusts_identity_provider
ORDER BY event_time, event_id
