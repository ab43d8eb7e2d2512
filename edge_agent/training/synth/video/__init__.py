"""Sample videos: a story of trays and orders, acted out in two dimensions with a library of cut-outs, and filmed.

`story` and the modules that write stories are data from a seed; `motion` and `acting` say where everything is at a
time; `film_set`, `film_camera` and `film_file` make pictures of it and a file of the pictures. Times are seconds of the
video, lengths centimetres as in the rest of `synth`; the camera hangs over the origin.
"""
