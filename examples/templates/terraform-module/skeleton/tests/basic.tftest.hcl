run "the_example_is_made" {
  module {
    source = "./examples/basic"
  }
  assert {
    condition     = output.id != ""
    error_message = "There is no id."
  }
}
