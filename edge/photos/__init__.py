"""Photos that come from elsewhere: asked for, held, taken apart in the worker's cell, judged."""
