-- Which credentials of EC2 instances were used from an address that is not known to be the instance's?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? known_egress  e.g. '^(10[.]|203[.]0[.]113[.]7$)'  regular expression: addresses to leave out (NAT gateways)
-- Needs: management events of all services, read-only ones included; data events to see the use on S3 and others.
-- Blind spots: an instance's addresses are learnt from RunInstances, AssociateAddress and the like within the same
--   days, so an older instance (known_addresses = 0) or one behind a NAT gateway is listed too. Instances launched by
--   one call share their addresses here. Calls that never leave AWS's network show a DNS name and are left out.
WITH scoped AS (
    SELECT
        event_time,
        event_id,
        event_name,
        event_source,
        user_type,
        nullif(regexp_extract(user_principal_id, ':(i-[0-9a-zA-Z]+)$', 1), '') AS session_instance_id,
        session_issuer_arn,
        user_access_key_id,
        user_invoked_by,
        source_ip_address,
        vpc_endpoint_id,
        ec2_instance_ids,
        concat(coalesce(ec2_private_ip_addresses, ARRAY[]), coalesce(ec2_public_ip_addresses, ARRAY[])) AS ip_addresses
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('management', 'data')
), own_addresses AS (
    SELECT DISTINCT i.instance_id, a.ip_address
    FROM scoped
    CROSS JOIN UNNEST(ec2_instance_ids) AS i(instance_id)
    CROSS JOIN UNNEST(ip_addresses) AS a(ip_address)
), uses AS (
    SELECT *
    FROM scoped
    WHERE session_instance_id IS NOT NULL
        AND user_type = 'AssumedRole'
        AND user_invoked_by IS NULL
        AND regexp_like(source_ip_address, '^[0-9.]+$|:')
), strangers AS (
    SELECT uses.*
    FROM uses
    LEFT JOIN own_addresses
        ON own_addresses.instance_id = uses.session_instance_id
        AND own_addresses.ip_address = uses.source_ip_address
    WHERE own_addresses.instance_id IS NULL
        AND NOT regexp_like(source_ip_address, ?)
), address_counts AS (
    SELECT
        uses.session_instance_id,
        count(DISTINCT uses.source_ip_address) AS addresses,
        count(DISTINCT own_addresses.ip_address) AS known_addresses
    FROM uses
    LEFT JOIN own_addresses ON own_addresses.instance_id = uses.session_instance_id
    GROUP BY uses.session_instance_id
)
SELECT
    strangers.session_instance_id AS instance_id,
    strangers.session_issuer_arn AS role_arn,
    strangers.source_ip_address,
    strangers.vpc_endpoint_id,
    address_counts.addresses,
    address_counts.known_addresses,
    count(DISTINCT strangers.event_id) AS calls,
    array_join(slice(array_sort(array_agg(DISTINCT strangers.event_name)), 1, 20), ', ') AS event_names,
    array_join(slice(array_sort(array_agg(DISTINCT strangers.user_access_key_id)), 1, 20), ', ') AS access_keys,
    min(strangers.event_time) AS first_event_time,
    max(strangers.event_time) AS last_event_time,
    slice(array_sort(array_agg(DISTINCT strangers.event_id)), 1, 20) AS event_ids
FROM strangers
JOIN address_counts ON address_counts.session_instance_id = strangers.session_instance_id
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY known_addresses DESC, addresses DESC, first_event_time
