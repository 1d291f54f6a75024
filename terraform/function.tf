# The function, its role with the least that works, its log group, and what invokes it.

locals {
  # Put together, not read from the role, so that rules, trail and function can name it before it is there.
  function_role_name = "${var.name}-function"
  function_role_arn  = "arn:${local.partition}:iam::${local.account}:role/${local.function_role_name}"
  partition_columns  = [for column in split(",", var.partition_by) : trimspace(column)]
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:Traces would need rights of their own; each invocation logs one summary with its times and ids.
  #checkov:skip=CKV_AWS_115:maximum_concurrency of the event source mapping limits it; reserving would take from the account's pool.
  #checkov:skip=CKV_AWS_116:With the queue the queue's dead letters take what fails; delivered directly, the on-failure destination below.
  #checkov:skip=CKV_AWS_117:It talks to S3, SQS and logs only, over TLS; a VPC would add endpoints to pay and no protection.
  #checkov:skip=CKV_AWS_173:The environment holds addresses and names, no secret; Lambda encrypts it with its own key.
  #checkov:skip=CKV_AWS_272:Signing covers zips only and needs a signing profile of the company; function_image pins a digest.
  function_name = var.name
  description   = "Stores CloudTrail events as Parquet in ${local.lake_url}"
  role          = aws_iam_role.function.arn
  architectures = [var.architecture]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds

  package_type     = var.package_type
  runtime          = var.package_type == "Zip" ? "provided.al2023" : null
  handler          = var.package_type == "Zip" ? "bootstrap" : null
  filename         = var.package_type == "Zip" ? var.function_zip : null
  source_code_hash = var.package_type == "Zip" ? filebase64sha256(var.function_zip) : null
  image_uri        = var.package_type == "Image" ? var.function_image : null

  environment {
    variables = {
      TRAILSINK_TO                    = local.lake_url
      TRAILSINK_PARTITION_BY          = join(",", local.partition_columns)
      TRAILSINK_LOG_EVENTS            = var.log_events
      TRAILSINK_OWN_ROLE              = local.function_role_arn
      TRAILSINK_KMS_KEY               = local.key_arn
      TRAILSINK_EXPECTED_BUCKET_OWNER = local.account
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
    # Lines about events are of level INFO: a higher level here would drop them behind log_events' back.
    application_log_level = "INFO"
    system_log_level      = "INFO"
  }

  # A function that may not write yet would send its first messages round again.
  depends_on = [aws_iam_role_policy.function]
}

# Made before the function: a group that Lambda makes by itself keeps its lines for ever, unencrypted by this key.
resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.key_arn
}

resource "aws_iam_role" "function" {
  name               = local.function_role_name
  description        = "The function ${var.name}: writes the lake, reads the queue, logs"
  assume_role_policy = data.aws_iam_policy_document.function_trust.json
}

data "aws_iam_policy_document" "function_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "function" {
  name   = "least"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

data "aws_iam_policy_document" "function" {
  statement {
    sid     = "PutIntoTheLake"
    actions = ["s3:PutObject"]
    resources = [
      "${local.lake_bucket_arn}/${local.lake_folder}events/*",
      "${local.lake_bucket_arn}/${local.lake_folder}rejected/*",
    ]
  }

  statement {
    sid       = "EncryptWhatIsPut"
    actions   = ["kms:GenerateDataKey"]
    resources = [local.key_arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }

  dynamic "statement" {
    for_each = local.queued ? [aws_sqs_queue.events[0].arn] : []

    content {
      sid       = "EmptyTheQueue"
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = local.queued ? [] : [aws_sqs_queue.dead_letters.arn]

    content {
      sid       = "KeepWhatFailed"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }
}

resource "aws_lambda_event_source_mapping" "queue" {
  count = local.queued ? 1 : 0

  function_name    = aws_lambda_function.this.arn
  event_source_arn = aws_sqs_queue.events[0].arn
  # Without this one message that cannot be stored would bring back its whole batch.
  function_response_types = ["ReportBatchItemFailures"]
  # As many as fit into the 6 MB of an invocation; without a window Lambda takes 10 at most.
  batch_size                         = var.batching_window_seconds > 0 ? 10000 : 10
  maximum_batching_window_in_seconds = var.batching_window_seconds

  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}

resource "aws_lambda_permission" "rules" {
  for_each = local.queued ? {} : aws_cloudwatch_event_rule.events

  statement_id   = "rule-${each.key}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this.function_name
  principal      = "events.amazonaws.com"
  source_arn     = each.value.arn
  source_account = local.account
}

resource "aws_lambda_function_event_invoke_config" "direct" {
  count = local.queued ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}
