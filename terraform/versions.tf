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

  # Columns, views and queries are read from there: the program writes them, and a test compares them with its table.
  schemas = "${path.module}/../schemas"
}
