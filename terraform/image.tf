# A repository for the function's image. The push is a command of README.md: building is not Terraform's work.

resource "aws_ecr_repository" "function" {
  count = var.package_type == "Image" ? 1 : 0

  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy

  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = local.key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "function" {
  count = var.package_type == "Image" ? 1 : 0

  repository = aws_ecr_repository.function[0].name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Builds that never got a tag"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "All but the last twenty, to go back to"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
        action       = { type = "expire" }
      },
    ]
  })
}
