-- Who went through one role to another?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: STS management events of all accounts and regions involved.
-- Blind spots: hops are joined by the access key that STS issued, so an account without its events cuts the chain, as
--   does a first day that lies after the session began. Chains are shown with up to three hops.
WITH assumed AS (
    SELECT
        event_time,
        coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
        user_access_key_id,
        source_ip_address,
        event_name,
        assumed_role_arn,
        role_session_name,
        issued_access_key_id,
        event_id,
        -- both accounts of a cross-account call record it; only the caller's copy names the caller's key
        row_number() OVER (
            PARTITION BY event_name, coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
            ORDER BY user_access_key_id NULLS LAST, event_id
        ) AS copy_number
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'management'
        AND event_source = 'sts.amazonaws.com'
        AND event_name IN (
            'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken',
            'GetSessionToken'
        )
        AND outcome = 'success'
), hops AS (
    SELECT *
    FROM assumed
    WHERE copy_number = 1
)
SELECT
    last_hop.event_time,
    coalesce(first_hop.who, previous_hop.who) AS who,
    coalesce(first_hop.source_ip_address, previous_hop.source_ip_address) AS first_source_ip_address,
    CASE WHEN first_hop.event_id IS NULL THEN 2 ELSE 3 END AS hops,
    first_hop.assumed_role_arn AS third_last_role_arn,
    previous_hop.assumed_role_arn AS second_last_role_arn,
    last_hop.assumed_role_arn AS last_role_arn,
    last_hop.role_session_name,
    last_hop.source_ip_address,
    last_hop.issued_access_key_id,
    first_hop.event_id AS third_last_event_id,
    previous_hop.event_id AS second_last_event_id,
    last_hop.event_id
FROM hops AS last_hop
JOIN hops AS previous_hop ON previous_hop.issued_access_key_id = last_hop.user_access_key_id
LEFT JOIN hops AS first_hop ON first_hop.issued_access_key_id = previous_hop.user_access_key_id
ORDER BY last_hop.event_time, last_hop.event_id
