# Forwards events to the bus of the lake's region and account. Apply it once in each other region or account:
# IAM, sign-in, CloudFront, Route 53 and other global services report in us-east-1 only.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  description = "Region whose events are forwarded, like us-east-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: \"${var.region}\" is no region. Write it like us-east-1."
  }
}

variable "home_bus_arn" {
  description = "ARN of the bus that the lake's rules are on, arn:aws:events:HOME_REGION:HOME_ACCOUNT:event-bus/default. A bus of another account must allow this one (forwarding_accounts there)."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/.+$", var.home_bus_arn))
    error_message = "home_bus_arn: give the bus as arn:aws:events:HOME_REGION:HOME_ACCOUNT:event-bus/default."
  }
}

variable "sources" {
  description = "EventBridge sources to forward; [\"*\"] for all that CloudTrail delivers. The lake's rules must take them too."
  type        = list(string)
  default     = ["aws.iam", "aws.signin", "aws.sts", "aws.organizations", "aws.route53", "aws.cloudfront"]
}

variable "read_only_management_events" {
  description = "Whether Describe*, Get* and List* calls are forwarded too."
  type        = bool
  default     = false
}

variable "name" {
  description = "Name of the rule and its role."
  type        = string
  default     = "trailsink-forwarder"
}

data "aws_caller_identity" "current" {}

resource "aws_cloudwatch_event_rule" "this" {
  name        = var.name
  description = "CloudTrail events for the lake elsewhere"
  state       = var.read_only_management_events ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"
  event_pattern = jsonencode(merge(
    { "detail-type" = [{ suffix = " via CloudTrail" }] },
    { for member, value in { source = var.sources } : member => value if !contains(var.sources, "*") },
    # What comes from elsewhere was forwarded already: it would go round for ever between two forwarders.
    { account = [data.aws_caller_identity.current.account_id], region = [var.region] },
  ))

  lifecycle {
    precondition {
      condition     = split(":", var.home_bus_arn)[3] != var.region || split(":", var.home_bus_arn)[4] != data.aws_caller_identity.current.account_id
      error_message = "home_bus_arn: this is the bus of ${var.region} in this very account; its events are there already. Apply the forwarder in another region or account."
    }
  }
}

resource "aws_cloudwatch_event_target" "home" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "home"
  arn       = var.home_bus_arn
  role_arn  = aws_iam_role.this.arn

  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }

  depends_on = [aws_sqs_queue_policy.undelivered, aws_iam_role_policy.this]
}

# What could not be forwarded, to be sent again by hand. It has to lie in the rule's own region.
resource "aws_sqs_queue" "undelivered" {
  name                      = "${var.name}-undelivered"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id
  policy    = data.aws_iam_policy_document.undelivered.json
}

data "aws_iam_policy_document" "undelivered" {
  statement {
    sid       = "RuleSends"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.undelivered.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.this.arn]
    }
  }
}

resource "aws_iam_role" "this" {
  # Roles are the account's, rules the region's.
  name               = "${var.name}-${var.region}"
  description        = "Puts events on ${var.home_bus_arn}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "least"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.forward.json
}

data "aws_iam_policy_document" "forward" {
  statement {
    sid       = "PutOnTheHomeBus"
    actions   = ["events:PutEvents"]
    resources = [var.home_bus_arn]
  }
}

output "rule_arn" {
  description = "Rule that forwards."
  value       = aws_cloudwatch_event_rule.this.arn
}

output "undelivered_queue_url" {
  description = "Queue of what could not be forwarded."
  value       = aws_sqs_queue.undelivered.id
}
