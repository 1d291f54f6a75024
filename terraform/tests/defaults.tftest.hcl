# What the three-variable quick start makes: least privilege, patterns, projection, and that function and table agree.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  region       = "eu-west-1"
  lake_bucket  = "acme-cloudtrail-lake"
  function_zip = "versions.tf"
  # Only for the warning; the quick start runs without.
  existing_trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
}

run "quick_start" {
  command = apply

  assert {
    condition = sort(flatten([for statement in data.aws_iam_policy_document.function.statement : tolist(statement.actions)])) == sort([
      "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents", "s3:PutObject", "sqs:DeleteMessage",
      "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
    ])
    error_message = "The function's role may do more or less than the seven actions it needs."
  }
  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.function.statement : statement.effect == null || statement.effect == "Allow"])
    error_message = "A statement of the function's role is no plain Allow."
  }
  assert {
    condition = toset(one([for statement in data.aws_iam_policy_document.function.statement : statement.resources if contains(statement.actions, "s3:PutObject")])) == toset([
      "arn:aws:s3:::acme-cloudtrail-lake/events/*", "arn:aws:s3:::acme-cloudtrail-lake/rejected/*",
    ])
    error_message = "The function may put elsewhere than below events/ and rejected/."
  }
  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.function.statement : length(statement.resources) == 1 || contains(statement.actions, "s3:PutObject")])
    error_message = "Key, queue and log group must be one each."
  }
  assert {
    condition     = !anytrue(flatten([for statement in data.aws_iam_policy_document.function.statement : [for resource in statement.resources : resource == "*"]]))
    error_message = "A statement of the function's role is about everything."
  }

  assert {
    condition     = { for key, pattern in local.event_patterns : key => jsondecode(pattern).source } == { s3 = ["aws.s3"], ec2 = ["aws.ec2"] }
    error_message = "By default there is a rule for S3 and one for EC2."
  }
  assert {
    condition     = alltrue([for pattern in local.event_patterns : jsonencode(jsondecode(pattern)["detail-type"]) == jsonencode([{ suffix = " via CloudTrail" }])])
    error_message = "The rules must take API calls and service events, and nothing that is not CloudTrail's."
  }
  assert {
    condition     = alltrue([for pattern in local.event_patterns : jsondecode(pattern).detail.userIdentity["$or"][1].sessionContext.sessionIssuer.arn[0]["anything-but"] == ["arn:aws:iam::111122223333:role/trailsink-function"]])
    error_message = "A rule does not leave out the function's own role."
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables["TRAILSINK_OWN_ROLE"] == "arn:aws:iam::111122223333:role/${aws_iam_role.function.name}"
    error_message = "The function must know its own role."
  }
  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.events : rule.state == "ENABLED"])
    error_message = "Read-only management events are taken only where they are asked for."
  }

  assert {
    condition     = join(",", aws_glue_catalog_table.events.partition_keys[*].name) == aws_lambda_function.this.environment[0].variables["TRAILSINK_PARTITION_BY"]
    error_message = "The table and the function do not have the same partitions."
  }
  assert {
    condition     = [for column in aws_glue_catalog_table.events.storage_descriptor[0].columns : { name = column.name, type = column.type, comment = column.comment }] == [for column in jsondecode(file("../schemas/glue_columns.json")) : { name = column.name, type = column.type, comment = column.comment }]
    error_message = "The table's columns are not those of schemas/glue_columns.json."
  }
  assert {
    condition     = aws_glue_catalog_table.events.parameters["storage.location.template"] == "s3://acme-cloudtrail-lake/events/category=$${category}/event_date=$${event_date}/"
    error_message = "The table does not look where the function writes."
  }
  assert {
    condition     = aws_glue_catalog_table.events.storage_descriptor[0].location == "${aws_lambda_function.this.environment[0].variables["TRAILSINK_TO"]}/events/"
    error_message = "The table is not in the function's lake."
  }
  assert {
    condition     = aws_glue_catalog_table.events.parameters["projection.event_date.range"] == "2006-01-01,NOW+1DAYS"
    error_message = "The range of days must begin with first_day and reach tomorrow."
  }
  # All that the DDL says of projection, but for the address.
  assert {
    condition = alltrue([
      for property in regexall("'(projection\\.[a-z_.]+)' = '([^']*)'", file("../schemas/athena.sql")) :
      aws_glue_catalog_table.events.parameters[property[0]] == property[1]
    ])
    error_message = "The table's projection is not that of schemas/athena.sql."
  }

  assert {
    condition     = aws_sqs_queue.events[0].visibility_timeout_seconds >= 6 * aws_lambda_function.this.timeout
    error_message = "The visibility time-out must be six times the function's time-out."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.queue[0].function_response_types == toset(["ReportBatchItemFailures"]) && aws_lambda_event_source_mapping.queue[0].maximum_batching_window_in_seconds == 300 && aws_lambda_event_source_mapping.queue[0].scaling_config[0].maximum_concurrency == 2
    error_message = "The event source mapping is not as documented."
  }
  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.events : length(target.dead_letter_config) == 1 && length(target.input_transformer) == 0])
    error_message = "Each target wants a dead-letter queue, and the event as it came."
  }
  assert {
    condition     = one(data.aws_iam_policy_document.events_queue[0].statement).condition != null && length(one(one(data.aws_iam_policy_document.events_queue[0].statement).condition).values) == 2
    error_message = "Only the two rules may send to the queue."
  }
  assert {
    condition     = length(aws_athena_named_query.this) == length(fileset("../schemas/queries", "*.sql"))
    error_message = "Each query of schemas/queries must be saved."
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.silence, aws_cloudwatch_metric_alarm.balance]) : can(regex("^\\[(page|ticket)\\] .+ Runbook: terraform/README.md#[a-z-]+$", alarm.alarm_description))])
    error_message = "Each alarm must say how urgent it is and where the runbook speaks of it."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.silence.treat_missing_data == "breaching"
    error_message = "Missing data is what silence looks like."
  }
  assert {
    condition     = length(aws_cloudtrail.this) == 0 && length(aws_ecr_repository.function) == 0
    error_message = "No trail and no repository unless asked for."
  }
  assert {
    condition     = aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "arm64 by default."
  }
}

run "no_trail_is_named" {
  command = plan

  variables {
    existing_trail = null
  }

  expect_failures = [check.trail]
}
