# What is forwarded, by what right, and what is refused.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:111122223333:rule/mock" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:111122223333:mock", id = "https://sqs.us-east-1.amazonaws.com/111122223333/mock" }
  }
}

variables {
  region       = "us-east-1"
  home_bus_arn = "arn:aws:events:eu-west-1:111122223333:event-bus/default"
}

run "global_services" {
  command = apply

  assert {
    condition     = contains(jsondecode(aws_cloudwatch_event_rule.this.event_pattern).source, "aws.iam") && jsonencode(jsondecode(aws_cloudwatch_event_rule.this.event_pattern)["detail-type"]) == jsonencode([{ suffix = " via CloudTrail" }])
    error_message = "CloudTrail events of the global services, and no others."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this.event_pattern).region == ["us-east-1"] && jsondecode(aws_cloudwatch_event_rule.this.event_pattern).account == ["111122223333"]
    error_message = "What was forwarded here must not be forwarded on."
  }
  assert {
    condition     = one(one(data.aws_iam_policy_document.forward.statement).actions) == "events:PutEvents" && one(one(data.aws_iam_policy_document.forward.statement).resources) == var.home_bus_arn
    error_message = "The role may put on the home bus and do nothing else."
  }
}

run "everything" {
  command = plan

  variables {
    sources = ["*"]
  }

  assert {
    condition     = !can(jsondecode(aws_cloudwatch_event_rule.this.event_pattern).source)
    error_message = "All sources: no source in the pattern."
  }
}

run "to_itself" {
  command = plan

  variables {
    home_bus_arn = "arn:aws:events:us-east-1:111122223333:event-bus/default"
  }

  expect_failures = [aws_cloudwatch_event_rule.this]
}

run "no_bus" {
  command = plan

  variables {
    home_bus_arn = "default"
  }

  expect_failures = [var.home_bus_arn]
}
