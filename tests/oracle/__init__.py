"""Runs reference cases of TensorFlow 1.15: `case` loads one, the other files run their kinds."""
