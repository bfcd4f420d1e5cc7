"""Pure measures of faces and fingers, and the judgement of their values. No I/O, no clock."""
