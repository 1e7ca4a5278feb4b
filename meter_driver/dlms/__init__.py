"""DLMS/COSEM pushes (IEC 62056-5-3): APDUs, ciphering, blocks, push lists, and the links that carry them."""
