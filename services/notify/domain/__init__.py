"""What notify decides: values in, values out."""
