// Two HMAC-SHA1 codes with a key that is set once, over as many bytes as a check and its answer have: hmac --count N.

#include "packets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

// What MESSAGE-INTEGRITY covers of the check that Sources/Codec has, and of its answer.
enum { CHECK_BYTES = 56, ANSWER_BYTES = 32, CODE_BYTES = 20 };

static const char key[] = "VOkJxbRl1RmTxUk/WvJxBt";

static void sign(EVP_MAC_CTX *context, const unsigned char *bytes, size_t length, unsigned char *code) {
    size_t written;
    if (EVP_MAC_init(context, NULL, 0, NULL) != 1 || EVP_MAC_update(context, bytes, length) != 1
        || EVP_MAC_final(context, code, &written, CODE_BYTES) != 1)
        fail("HMAC");
}

int main(int argc, char *argv[]) {
    long times = atol(option(argc, argv, "--count", "1000000"));
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
    char digest[] = "SHA1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(context, (const unsigned char *)key, sizeof key - 1, parameters) != 1) fail("key");

    unsigned char bytes[CHECK_BYTES] = {0}, code[CODE_BYTES] = {0};
    for (int i = 0; i < 100; i++) sign(context, bytes, sizeof bytes, code);
    double began = now();
    for (long i = 0; i < times; i++) {
        sign(context, bytes, CHECK_BYTES, code);
        sign(context, bytes, ANSWER_BYTES, code);
        // Each depends on the one before, so that none can be left out.
        memcpy(bytes, code, CODE_BYTES);
    }
    printf("{\"type\":\"codec\",\"operation\":\"two keyed HMACs\",\"nanoseconds\":%f}\n", (now() - began) * 1e9 / (double)times);
    return 0;
}
