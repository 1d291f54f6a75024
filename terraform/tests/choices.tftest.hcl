# What else can be chosen, each as far as it changes what is made.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  region         = "eu-west-1"
  lake_bucket    = "acme-cloudtrail-lake"
  function_zip   = "versions.tf"
  existing_trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
}

run "other_partitions" {
  command = plan

  variables {
    partition_by       = "region, event_date, category,account_id"
    partition_accounts = ["111122223333"]
    partition_regions  = ["eu-west-1", "us-east-1"]
    first_day          = "2026-01-31"
    lake_prefix        = "security/cloudtrail"
  }

  assert {
    condition     = join(",", aws_glue_catalog_table.events.partition_keys[*].name) == "region,event_date,category,account_id"
    error_message = "The table must have the partitions in the order of the list."
  }
  assert {
    condition     = local.lake_url == "s3://acme-cloudtrail-lake/security/cloudtrail"
    error_message = "The lake is not below its prefix."
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables["TRAILSINK_PARTITION_BY"] == "region,event_date,category,account_id"
    error_message = "The function must get the same list, without blanks."
  }
  assert {
    condition     = endswith(aws_glue_catalog_table.events.parameters["storage.location.template"], "/security/cloudtrail/events/region=$${region}/event_date=$${event_date}/category=$${category}/account_id=$${account_id}/")
    error_message = "The template must follow the list."
  }
  assert {
    condition     = aws_glue_catalog_table.events.parameters["projection.account_id.values"] == "111122223333,unknown" && aws_glue_catalog_table.events.parameters["projection.region.values"] == "eu-west-1,us-east-1,unknown"
    error_message = "Values that were named become an enum, with unknown."
  }
  assert {
    condition     = aws_glue_catalog_table.events.parameters["projection.event_date.range"] == "2026-01-31,NOW+1DAYS" && aws_glue_catalog_table.rejected["rejected"].parameters["projection.reject_date.range"] == "2026-01-31,NOW+1DAYS"
    error_message = "first_day is the start of both ranges."
  }
  assert {
    condition     = toset(one([for statement in data.aws_iam_policy_document.function.statement : statement.resources if contains(statement.actions, "s3:PutObject")])) == toset(["arn:aws:s3:::acme-cloudtrail-lake/security/cloudtrail/events/*", "arn:aws:s3:::acme-cloudtrail-lake/security/cloudtrail/rejected/*"])
    error_message = "The function may put elsewhere than below its prefix."
  }
}

run "injected_partitions" {
  command = plan

  variables {
    partition_by = "account_id,event_date"
  }

  assert {
    condition     = aws_glue_catalog_table.events.parameters["projection.account_id.type"] == "injected" && !contains(keys(aws_glue_catalog_table.events.parameters), "projection.account_id.values") && !contains(keys(aws_glue_catalog_table.events.parameters), "projection.category.type")
    error_message = "Without values an account is injected; what is no partition has no projection."
  }
  assert {
    condition     = length(aws_glue_catalog_table.views) == 0
    error_message = "No view that could not be asked."
  }

  expect_failures = [check.views]
}

run "everything" {
  command = plan

  variables {
    sources                     = ["*"]
    read_only_management_events = true
  }

  assert {
    condition     = keys(local.event_patterns) == ["all"] && keys(jsondecode(local.event_patterns["all"])) == ["detail", "detail-type"]
    error_message = "One rule, for every source."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.events["all"].state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    error_message = "Read-only management events come by the rule's state."
  }
}

run "names_and_buckets" {
  command = plan

  variables {
    event_names = { "aws.s3" = ["PutObject", "Delete*"] }
    buckets     = ["acme-raw"]
  }

  assert {
    condition     = jsonencode(jsondecode(local.event_patterns["s3"]).detail.eventName) == jsonencode(["PutObject", { wildcard = "Delete*" }])
    error_message = "Names are exact, with * a wildcard."
  }
  assert {
    condition     = jsondecode(local.event_patterns["s3"]).detail.requestParameters["$or"][1].bucketName == ["acme-raw"] && !can(jsondecode(local.event_patterns["ec2"]).detail.requestParameters)
    error_message = "Buckets narrow the rule for S3 alone."
  }
}

run "direct" {
  command = apply

  variables {
    delivery = "direct"
  }

  assert {
    condition     = length(aws_sqs_queue.events) == 0 && length(aws_lambda_event_source_mapping.queue) == 0 && length(aws_lambda_permission.rules) == 2
    error_message = "Directly: no queue, a permission for each rule."
  }
  assert {
    condition     = one(one(aws_lambda_function_event_invoke_config.direct[0].destination_config).on_failure).destination == aws_sqs_queue.dead_letters.arn
    error_message = "What failed for good must be kept."
  }
  assert {
    condition     = toset([for statement in data.aws_iam_policy_document.function.statement : one(statement.actions) if startswith(tolist(statement.actions)[0], "sqs:")]) == toset(["sqs:SendMessage"])
    error_message = "Directly the function may send to the dead letters, and read no queue."
  }
}

run "as_an_image" {
  command = plan

  variables {
    package_type   = "Image"
    function_zip   = null
    function_image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/trailsink@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.runtime == null && aws_ecr_repository.function[0].image_tag_mutability == "IMMUTABLE"
    error_message = "An image has no runtime, and a repository in which tags stay."
  }
}

run "with_a_trail" {
  command = apply

  variables {
    create_trail   = true
    existing_trail = null
  }

  assert {
    condition     = aws_cloudtrail.this[0].enable_log_file_validation && aws_cloudtrail.this[0].is_multi_region_trail
    error_message = "Log files are validated, and every region is logged."
  }
  assert {
    condition = anytrue([for selector in aws_cloudtrail.this[0].advanced_event_selector : anytrue([
      for field in selector.field_selector : field.field == "userIdentity.arn" && field.not_starts_with == tolist(["arn:aws:sts::111122223333:assumed-role/trailsink-function/"])
    ])])
    error_message = "The trail must leave out the function's own puts, and nobody else's."
  }
}

run "an_existing_bucket" {
  command = plan

  variables {
    create_lake_bucket = false
  }

  assert {
    condition     = length(aws_s3_bucket.lake) == 0 && length(aws_s3_bucket_policy.lake) == 0
    error_message = "A bucket that is there is not made, nor changed."
  }
}
