# Values that cannot work are refused before anything is made. The messages are checked by tests/terraform.py.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  region         = "eu-west-1"
  lake_bucket    = "acme-cloudtrail-lake"
  function_zip   = "versions.tf"
  existing_trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
}

run "unknown_region" {
  command = plan

  variables {
    region = "eu-west-9"
  }

  expect_failures = [var.region]
}

run "bucket_with_capitals" {
  command = plan

  variables {
    lake_bucket = "Acme-Lake"
  }

  expect_failures = [var.lake_bucket]
}

run "partitions_without_day" {
  command = plan

  variables {
    partition_by = "category,account_id"
  }

  expect_failures = [var.partition_by]
}

run "partition_unknown" {
  command = plan

  variables {
    partition_by = "event_date,service"
  }

  expect_failures = [var.partition_by]
}

run "partition_twice" {
  command = plan

  variables {
    partition_by = "event_date,category,event_date"
  }

  expect_failures = [var.partition_by]
}

run "prefix_with_slash_at_end" {
  command = plan

  variables {
    lake_prefix = "lake/"
  }

  expect_failures = [var.lake_prefix]
}

run "no_such_day" {
  command = plan

  variables {
    first_day = "2026-02-30"
  }

  expect_failures = [var.first_day]
}

run "image_by_tag" {
  command = plan

  variables {
    package_type   = "Image"
    function_image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/trailsink:latest"
  }

  expect_failures = [var.function_image]
}

run "image_with_short_digest" {
  command = plan

  variables {
    package_type   = "Image"
    function_image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/trailsink@sha256:abcdef"
  }

  expect_failures = [var.function_image]
}

run "zip_that_is_not_there" {
  command = plan

  variables {
    function_zip = "no/such.zip"
  }

  expect_failures = [var.function_zip]
}

run "key_of_another_region" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000"
  }

  expect_failures = [var.kms_key_arn]
}

run "all_sources_and_one" {
  command = plan

  variables {
    sources = ["*", "aws.s3"]
  }

  expect_failures = [var.sources]
}

run "names_of_no_source" {
  command = plan

  variables {
    event_names = { "aws.iam" = ["CreateUser"] }
  }

  expect_failures = [var.event_names]
}

run "one_at_a_time" {
  command = plan

  variables {
    maximum_concurrency = 1
  }

  expect_failures = [var.maximum_concurrency]
}

run "window_too_long" {
  command = plan

  variables {
    batching_window_seconds = 301
  }

  expect_failures = [var.batching_window_seconds]
}

run "unknown_alert" {
  command = plan

  variables {
    alerts = ["rot_use"]
  }

  expect_failures = [var.alerts]
}

run "two_trails" {
  command = plan

  variables {
    create_trail = true
  }

  expect_failures = [var.existing_trail]
}

run "account_with_eleven_digits" {
  command = plan

  variables {
    partition_accounts = ["11112222333"]
  }

  expect_failures = [var.partition_accounts]
}

run "bucket_in_another_region" {
  command = plan

  variables {
    create_lake_bucket = false
  }

  override_data {
    target = data.aws_s3_bucket.lake[0]
    values = { region = "us-east-1" }
  }

  expect_failures = [data.aws_s3_bucket.lake]
}
