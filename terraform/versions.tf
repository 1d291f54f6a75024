# What runs this configuration, and who and where it runs as.

terraform {
  # 1.9 lets a variable's validation look at other variables.
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

  default_tags {
    tags = merge({ application = var.name }, var.tags)
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Read from there: columns and views, which a test compares with the program's table, and queries.
  schemas = "${path.module}/../schemas"
}
