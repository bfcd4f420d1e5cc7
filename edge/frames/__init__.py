"""What a camera's frames are found to be before anybody sees them, and what viewers get of them.

`judge` tells whole frames from frozen, covered, torn, old ones and those of another size;
`jpeg_shape` and `darkness` are what it goes by. `preview` is the picture for viewers, passed
through where the camera delivered a JPEG. `trial` changes a camera's settings and changes them back
if its frames do not go on coming whole. Nothing here owns a camera or a thread.
"""
