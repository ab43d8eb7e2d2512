"""Synthetic fast-food trays: what lies on them is composed here, and rendered by Blender (extra `synth`).

Everything outside the folder `stage` needs neither Blender nor a display: compositions, labels, the camera's faults,
cut-outs moved in two dimensions. Lengths are centimetres, x to the right and y upwards as the camera sees the tray,
z towards the camera; the origin is the middle of the tray's floor.
"""
