"""Marks of origin: a signed C2PA manifest, XMP metadata and an invisible watermark, and what reads them back.

Order matters: the watermark goes into the frames, XMP into the file, and the signature over all of it, last.
"""
