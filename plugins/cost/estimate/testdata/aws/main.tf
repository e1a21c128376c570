terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}
variable "region" { default = "eu-west-1" }
variable "instance_type" { default = "t3.medium" }
provider "aws" {
  region                      = var.region
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
provider "aws" {
  alias                       = "virginia"
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
module "web" {
  source        = "./modules/web"
  instance_type = var.instance_type
  replicas      = 2
}
module "edge" {
  source        = "./modules/web"
  instance_type = "t3.small"
  replicas      = 1
  providers     = { aws = aws.virginia }
}
resource "aws_ebs_volume" "data" {
  for_each          = { orders = 100, stock = 500 }
  availability_zone = "eu-west-1a"
  size              = each.value
  type              = each.key == "stock" ? "st1" : "gp3"
  iops              = each.key == "stock" ? null : 4000
  throughput        = each.key == "stock" ? null : 250
}
resource "aws_db_instance" "main" {
  identifier          = "harbour-main"
  engine              = "postgres"
  engine_version      = "16.3"
  instance_class      = "db.m6g.large"
  allocated_storage   = 200
  storage_type        = "gp3"
  multi_az            = true
  username            = "harbour"
  password            = "example"
  skip_final_snapshot = true
}
resource "aws_lb" "front" {
  name               = "front"
  load_balancer_type = "application"
  subnets            = ["subnet-0000000a", "subnet-0000000b"]
}
resource "aws_eip" "nat" { domain = "vpc" }
resource "aws_nat_gateway" "main" {
  allocation_id = aws_eip.nat.id
  subnet_id     = "subnet-0000000a"
}
resource "aws_s3_bucket" "manifests" { bucket = "harbour-manifests" }
resource "aws_lambda_function" "resize" {
  function_name = "resize"
  role          = "arn:aws:iam::123456789012:role/resize"
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  filename      = "resize.zip"
  memory_size   = 512
  architectures = ["arm64"]
}
resource "aws_eks_cluster" "main" {
  name     = "harbour"
  role_arn = "arn:aws:iam::123456789012:role/eks"
  vpc_config { subnet_ids = ["subnet-0000000a", "subnet-0000000b"] }
}
resource "aws_elasticache_cluster" "sessions" {
  cluster_id      = "sessions"
  engine          = "redis"
  node_type       = "cache.t4g.small"
  num_cache_nodes = 1
}
resource "aws_security_group" "web" { name = "web" }
resource "aws_sqs_queue" "arrivals" { name = "arrivals" }
resource "aws_kendra_index" "search" {
  name     = "search"
  role_arn = "arn:aws:iam::123456789012:role/kendra"
}
resource "terraform_data" "marker" { input = var.region }
# from the prior state
resource "aws_instance" "bastion" { # updated in place: a smaller one
  ami           = "ami-0123456789abcdef0"
  instance_type = "t3.micro"
  tags          = { Name = "bastion" }
}
resource "aws_instance" "batch" { # replaced: another image
  ami           = "ami-0fedcba9876543210"
  instance_type = "m5.xlarge"
}
resource "aws_ebs_volume" "kept" { # nothing changes
  availability_zone = "eu-west-1b"
  size              = 50
  type              = "gp2"
}
output "db" {
  value = aws_db_instance.main.address
}
