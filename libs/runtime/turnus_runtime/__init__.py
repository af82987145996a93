"""How any service runs. Holds no word of the business."""
