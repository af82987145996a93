"""Pure decisions of availability: values in, values out. Import the module that is meant (`engine`, `schedule` …)."""
