"""ONNX models in int8: static quantisation by onnxruntime, its losses and its speed."""
