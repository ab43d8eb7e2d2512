"""Technology at arm's length, one file each: ONNX Runtime, OpenCV, SQLite."""
