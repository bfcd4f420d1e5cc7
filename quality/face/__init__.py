"""Face measures, one a file, named as ISO/IEC 29794-5 names them."""
