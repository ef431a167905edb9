// libcurl's types and constants. The library is opened on first use (see CurlLibrary.swift),
// because loading it and what it needs takes several times as long as the first reply.
#include <curl/curl.h>

// What the transfer thread waits with; Swift's own view of the C library leaves these out.
#include <sys/epoll.h>
#include <sys/eventfd.h>

// curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift cannot call.
// Each function below calls one of them, by address, with an argument of one C type.
typedef CURLcode (*sallyport_setopt)(CURL *, CURLoption, ...);
typedef CURLcode (*sallyport_getinfo)(CURL *, CURLINFO, ...);
typedef CURLMcode (*sallyport_multi_setopt)(CURLM *, CURLMoption, ...);

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

static inline CURLcode sallyport_setopt_long(
    sallyport_setopt call, CURL *easy, CURLoption option, long value) {
  return call(easy, option, value);
}

static inline CURLcode sallyport_setopt_offset(
    sallyport_setopt call, CURL *easy, CURLoption option, curl_off_t value) {
  return call(easy, option, value);
}

static inline CURLcode sallyport_setopt_pointer(
    sallyport_setopt call, CURL *easy, CURLoption option, const void *value) {
  return call(easy, option, value);
}

static inline CURLcode sallyport_setopt_data(
    sallyport_setopt call, CURL *easy, CURLoption option,
    size_t (*value)(char *, size_t, size_t, void *)) {
  return call(easy, option, value);
}

static inline CURLcode sallyport_setopt_open_socket(
    sallyport_setopt call, CURL *easy,
    curl_socket_t (*value)(void *, curlsocktype, struct curl_sockaddr *)) {
  return call(easy, CURLOPT_OPENSOCKETFUNCTION, value);
}

static inline CURLcode sallyport_setopt_prerequest(
    sallyport_setopt call, CURL *easy, int (*value)(void *, char *, char *, int, int)) {
  return call(easy, CURLOPT_PREREQFUNCTION, value);
}

static inline CURLcode sallyport_setopt_debug(
    sallyport_setopt call, CURL *easy,
    int (*value)(CURL *, curl_infotype, char *, size_t, void *)) {
  return call(easy, CURLOPT_DEBUGFUNCTION, value);
}

static inline CURLcode sallyport_getinfo_long(
    sallyport_getinfo call, CURL *easy, CURLINFO info, long *value) {
  return call(easy, info, value);
}

static inline CURLcode sallyport_getinfo_offset(
    sallyport_getinfo call, CURL *easy, CURLINFO info, curl_off_t *value) {
  return call(easy, info, value);
}

static inline CURLMcode sallyport_multi_setopt_pointer(
    sallyport_multi_setopt call, CURLM *multi, CURLMoption option, void *value) {
  return call(multi, option, value);
}

static inline CURLMcode sallyport_multi_setopt_socket(
    sallyport_multi_setopt call, CURLM *multi,
    int (*value)(CURL *, curl_socket_t, int, void *, void *)) {
  return call(multi, CURLMOPT_SOCKETFUNCTION, value);
}

static inline CURLMcode sallyport_multi_setopt_timer(
    sallyport_multi_setopt call, CURLM *multi, int (*value)(CURLM *, long, void *)) {
  return call(multi, CURLMOPT_TIMERFUNCTION, value);
}

static inline CURLMcode sallyport_multi_setopt_long(
    sallyport_multi_setopt call, CURLM *multi, CURLMoption option, long value) {
  return call(multi, option, value);
}
