terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
variable "instance_type" {}
variable "replicas" {}
resource "aws_instance" "app" {
  count         = var.replicas
  ami           = "ami-0123456789abcdef0"
  instance_type = var.instance_type
  root_block_device {
    volume_size = 30
    volume_type = "gp3"
  }
  ebs_block_device {
    device_name = "/dev/sdf"
    volume_size = 20
    volume_type = "gp2"
  }
  tags = { Role = "app" }
}
