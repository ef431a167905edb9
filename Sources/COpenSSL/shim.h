// Types of OpenSSL's libcrypto. The library is opened on first use (see CryptoLibrary.swift): it is
// the one that libcurl itself uses, and nothing before the first hash needs it.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

// CRYPTO_memcmp needs the library open, and a comparison must not fail. Volatile, since Swift has
// nothing that keeps the compiler from leaving the loop at the first difference.
static inline int sallyport_same_bytes(const unsigned char *one, const unsigned char *other,
                                       size_t count) {
  volatile unsigned char difference = 0;
  for (size_t at = 0; at < count; at++) difference |= one[at] ^ other[at];
  return difference == 0;
}
