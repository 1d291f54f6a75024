# Rule -> queue -> function, and the two places where messages end that could not be delivered or stored.

locals {
  queued = var.delivery == "queue"
}

# EventBridge fills it, the function empties it.
resource "aws_sqs_queue" "events" {
  count = local.queued ? 1 : 0

  name                    = "${var.name}-events"
  sqs_managed_sse_enabled = true
  # Long enough to find and repair what is broken over a long weekend and more.
  message_retention_seconds = 14 * 24 * 3600
  # AWS asks for six times the function's time-out, and a message waits for the window too.
  visibility_timeout_seconds = 6 * var.timeout_seconds + var.batching_window_seconds
  receive_wait_time_seconds  = 20

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.receives_before_dead_letter
  })
}

# Messages that the function could not store, however often it tried.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
}

# Events that EventBridge could not hand to the queue, the function or a topic.
resource "aws_sqs_queue" "undelivered" {
  name                      = "${var.name}-undelivered"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  count = local.queued ? 1 : 0

  queue_url = aws_sqs_queue.dead_letters.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.events[0].arn]
  })
}

resource "aws_sqs_queue_policy" "events" {
  count = local.queued ? 1 : 0

  queue_url = aws_sqs_queue.events[0].id
  policy    = data.aws_iam_policy_document.events_queue[0].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.dead_letters.json
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id
  policy    = data.aws_iam_policy_document.undelivered.json
}

data "aws_iam_policy_document" "events_queue" {
  count = local.queued ? 1 : 0

  statement {
    sid       = "RulesSend"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.events[0].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in aws_cloudwatch_event_rule.events : rule.arn]
    }
  }

  source_policy_documents = [data.aws_iam_policy_document.tls_only["events"].json]
}

data "aws_iam_policy_document" "dead_letters" {
  source_policy_documents = [data.aws_iam_policy_document.tls_only["dead-letters"].json]
}

data "aws_iam_policy_document" "undelivered" {
  statement {
    sid       = "RulesSend"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.undelivered.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values = concat(
        [for rule in aws_cloudwatch_event_rule.events : rule.arn],
        [for rule in aws_cloudwatch_event_rule.alerts : rule.arn],
      )
    }
  }

  source_policy_documents = [data.aws_iam_policy_document.tls_only["undelivered"].json]
}

data "aws_iam_policy_document" "tls_only" {
  for_each = toset(["events", "dead-letters", "undelivered"])

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = ["arn:${local.partition}:sqs:${var.region}:${local.account}:${var.name}-${each.key}"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
