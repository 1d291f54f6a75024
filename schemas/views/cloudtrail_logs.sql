-- The table events with the column names and shapes of the CloudTrail table in AWS's Athena documentation, so that
-- queries that are published for that table run unchanged.
-- Always filter by event_date ('YYYY-MM-DD'), and by category where you can: they choose the files that are read. A
-- filter by eventtime chooses none, for it is text made of event_time here: write one by event_date beside it.
-- Queries that filter by the partition columns of AWS's tables need no change: year, month, day and "timestamp"
-- ('YYYY/MM/DD') are made of event_date alone, so an engine that tries a filter on each partition's values reads only
-- those days. They are days of the event, where AWS's are those of the log file. region is awsregion, no partition.
-- Other than in AWS's table: eventtime and creationdate are whole seconds in UTC, whatever form they came in; an entry
--   of resources with a prefix of ARNs in place of an ARN has it as arn; an object without members is NULL; a member
--   of an unexpected type is text or NULL. What else a record has is in the table events and its column unmapped.
-- An event can be there twice, as in events. With events_distinct behind FROM each is there once, but then only filters
--   by the partition columns and event_id are applied before the window, and more is read.
-- Confirmed: names, shapes and order up to addendum, against copies of AWS's documentation (Athena user guide, tables
--   for CloudTrail logs with manual partitioning and with partition projection); the rest agrees with tables that
--   others made from it. On DuckDB, translated, queries give the right rows and read only the files of their days.
-- Not confirmed: that Athena runs it as it stands; that Athena with partition projection chooses days by year, month,
--   day and "timestamp" as it does by event_date (Trino, of which it is made, does for partitions in a catalog: see
--   "data scanned" of your first query); where AWS's reader of log files gives NULL for a null member and where text.
CREATE OR REPLACE VIEW cloudtrail_logs AS
SELECT
  event_version AS eventversion,
  CAST(IF(
    coalesce(user_type, user_principal_id, user_arn, user_account_id, user_invoked_by, user_access_key_id, user_name,
        user_on_behalf_of_user_id, user_on_behalf_of_identity_store_arn, CAST(session_mfa_authenticated AS varchar),
        date_format(session_creation_date, '%Y-%m-%dT%H:%i:%sZ'), session_issuer_type, session_issuer_principal_id,
        session_issuer_arn, session_issuer_account_id, session_issuer_user_name, session_ec2_role_delivery,
        session_web_id_federated_provider) IS NOT NULL OR json_extract(unmapped,
        '$.userIdentity.sessionContext.webIdFederationData.attributes') IS NOT NULL,
    ROW(
      user_type,
      user_principal_id,
      user_arn,
      user_account_id,
      user_invoked_by,
      user_access_key_id,
      user_name,
      IF(
        coalesce(user_on_behalf_of_user_id, user_on_behalf_of_identity_store_arn) IS NOT NULL,
        ROW(
          user_on_behalf_of_user_id,
          user_on_behalf_of_identity_store_arn
        )
      ),
      IF(
        coalesce(CAST(session_mfa_authenticated AS varchar), date_format(session_creation_date, '%Y-%m-%dT%H:%i:%sZ'),
            session_issuer_type, session_issuer_principal_id, session_issuer_arn, session_issuer_account_id,
            session_issuer_user_name, session_ec2_role_delivery, session_web_id_federated_provider) IS NOT NULL OR
            json_extract(unmapped, '$.userIdentity.sessionContext.webIdFederationData.attributes') IS NOT NULL,
        ROW(
          IF(
            coalesce(CAST(session_mfa_authenticated AS varchar), date_format(session_creation_date,
                '%Y-%m-%dT%H:%i:%sZ')) IS NOT NULL,
            ROW(
              CAST(session_mfa_authenticated AS varchar),
              date_format(session_creation_date, '%Y-%m-%dT%H:%i:%sZ')
            )
          ),
          IF(
            coalesce(session_issuer_type, session_issuer_principal_id, session_issuer_arn, session_issuer_account_id,
                session_issuer_user_name) IS NOT NULL,
            ROW(
              session_issuer_type,
              session_issuer_principal_id,
              session_issuer_arn,
              session_issuer_account_id,
              session_issuer_user_name
            )
          ),
          session_ec2_role_delivery,
          IF(
            session_web_id_federated_provider IS NOT NULL OR json_extract(unmapped,
                '$.userIdentity.sessionContext.webIdFederationData.attributes') IS NOT NULL,
            ROW(
              session_web_id_federated_provider,
              TRY_CAST(json_extract(unmapped, '$.userIdentity.sessionContext.webIdFederationData.attributes') AS
                  map(varchar, varchar))
            )
          )
        )
      )
    )
  ) AS row(type varchar, principalid varchar, arn varchar, accountid varchar, invokedby varchar, accesskeyid varchar,
      username varchar, onbehalfof row(userid varchar, identitystorearn varchar), sessioncontext row(attributes
      row(mfaauthenticated varchar, creationdate varchar), sessionissuer row(type varchar, principalid varchar, arn
      varchar, accountid varchar, username varchar), ec2roledelivery varchar, webidfederationdata row(federatedprovider
      varchar, attributes map(varchar, varchar))))) AS useridentity,
  date_format(event_time, '%Y-%m-%dT%H:%i:%sZ') AS eventtime,
  event_source AS eventsource,
  event_name AS eventname,
  aws_region AS awsregion,
  source_ip_address AS sourceipaddress,
  user_agent AS useragent,
  error_code AS errorcode,
  error_message AS errormessage,
  request_parameters AS requestparameters,
  response_elements AS responseelements,
  additional_event_data AS additionaleventdata,
  request_id AS requestid,
  event_id AS eventid,
  CAST(read_only AS varchar) AS readonly,
  CAST(IF(resource_arns IS NOT NULL, zip(resource_arns, resource_account_ids, resource_types)) AS array(row(arn varchar,
      accountid varchar, type varchar))) AS resources,
  event_type AS eventtype,
  api_version AS apiversion,
  recipient_account_id AS recipientaccountid,
  service_event_details AS serviceeventdetails,
  shared_event_id AS sharedeventid,
  vpc_endpoint_id AS vpcendpointid,
  vpc_endpoint_account_id AS vpcendpointaccountid,
  event_category AS eventcategory,
  CAST(IF(
    coalesce(json_extract_scalar(addendum, '$.reason'), json_extract_scalar(addendum, '$.updatedFields'),
        json_extract_scalar(addendum, '$.originalRequestID'), json_extract_scalar(addendum, '$.originalEventID')) IS NOT
        NULL,
    ROW(
      json_extract_scalar(addendum, '$.reason'),
      json_extract_scalar(addendum, '$.updatedFields'),
      json_extract_scalar(addendum, '$.originalRequestID'),
      json_extract_scalar(addendum, '$.originalEventID')
    )
  ) AS row(reason varchar, updatedfields varchar, originalrequestid varchar, originaleventid varchar)) AS addendum,
  CAST(session_credential_from_console AS varchar) AS sessioncredentialfromconsole,
  edge_device_details AS edgedevicedetails,
  CAST(IF(
    coalesce(tls_version, tls_cipher_suite, tls_client_provided_host_header) IS NOT NULL,
    ROW(
      tls_version,
      tls_cipher_suite,
      tls_client_provided_host_header
    )
  ) AS row(tlsversion varchar, ciphersuite varchar, clientprovidedhostheader varchar)) AS tlsdetails,
  category,
  event_date,
  aws_region AS "region",
  substr(event_date, 1, 4) AS "year",
  substr(event_date, 6, 2) AS "month",
  substr(event_date, 9, 2) AS "day",
  replace(event_date, '-', '/') AS "timestamp"
FROM events;
