// Types of OpenSSL's libcrypto. The library is opened on first use (see CryptoLibrary.swift): it is
// the one that libcurl itself uses, and nothing before the first hash needs it.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
