/* The floor of many HTTP calls: libcurl's multi interface, a fixed number of calls in flight, each
 * body read completely. Writes every body as a line to stdout, and the milliseconds between the
 * first call and the last response to stderr.
 *
 *   fetch CALLS IN_FLIGHT URL [-t TOKEN] [-k API_KEY -d BODY]
 *
 * "{}" in URL and BODY is replaced by the number of the call, from 1 on, as 24 digits.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATH_BYTES = 1024, NUMBER_DIGITS = 24 };

struct call {
  CURL *easy;
  char url[PATH_BYTES];
  char body[PATH_BYTES];
  char *text;
  size_t bytes, capacity;
};

static struct options {
  long calls;
  const char *url, *token, *api_key, *body;
} options;

static void fail(const char *problem) {
  fprintf(stderr, "fetch: %s\n", problem);
  exit(1);
}

/* Replaces every "{}" of the template; fails if the result does not fit. */
static void fill(char *result, const char *template, long number) {
  size_t used = 0;
  while (*template) {
    int is_mark = !strncmp(template, "{}", 2);
    size_t count = is_mark ? NUMBER_DIGITS : 1;
    if (used + count >= PATH_BYTES) fail("URL or body too long");
    if (is_mark) snprintf(result + used, PATH_BYTES - used, "%0*ld", NUMBER_DIGITS, number);
    else result[used] = *template;
    used += count;
    template += is_mark ? 2 : 1;
  }
  result[used] = 0;
}

static size_t append(char *data, size_t size, size_t count, void *context) {
  struct call *call = context;
  size_t bytes = size * count;
  if (call->bytes + bytes > call->capacity) {
    call->capacity = 2 * (call->bytes + bytes);
    call->text = realloc(call->text, call->capacity);
    if (!call->text) fail("out of memory");
  }
  memcpy(call->text + call->bytes, data, bytes);
  call->bytes += bytes;
  return bytes;
}

static void start(CURLM *multi, struct call *call, long number) {
  fill(call->url, options.url, number);
  call->bytes = 0;
  curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
  if (options.body) {
    fill(call->body, options.body, number);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
  }
  curl_multi_add_handle(multi, call->easy);
}

static void prepare(struct call *call, struct curl_slist *headers) {
  call->easy = curl_easy_init();
  if (!call->easy) fail("no handle");
  curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
  curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
  if (options.token) {
    curl_easy_setopt(call->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(call->easy, CURLOPT_XOAUTH2_BEARER, options.token);
  }
  if (options.api_key) {
    curl_easy_setopt(call->easy, CURLOPT_USERNAME, options.api_key);
    curl_easy_setopt(call->easy, CURLOPT_PASSWORD, "");
  }
}

static void finish(CURLM *multi, CURLMsg *message) {
  struct call *call;
  long status = 0;
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
  curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
  if (message->data.result != CURLE_OK) fail(curl_easy_strerror(message->data.result));
  if (status != 200) fail("status is not 200");
  fwrite(call->text, 1, call->bytes, stdout);
  putchar('\n');
  curl_multi_remove_handle(multi, message->easy_handle);
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void run(CURLM *multi, struct call *calls, long in_flight) {
  long started = 0, finished = 0;
  while (started < in_flight && started < options.calls) {
    start(multi, &calls[started], started + 1);
    started++;
  }
  while (finished < options.calls) {
    int running, left;
    if (curl_multi_perform(multi, &running)) fail("curl_multi_perform");
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
      struct call *call;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
      finish(multi, message);
      finished++;
      if (started < options.calls) start(multi, call, ++started);
    }
    if (finished < options.calls) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
}

int main(int count, char **words) {
  if (count < 4) fail("usage: fetch CALLS IN_FLIGHT URL [-t TOKEN] [-k API_KEY -d BODY]");
  options.calls = atol(words[1]);
  long in_flight = atol(words[2]);
  options.url = words[3];
  for (int i = 4; i + 1 < count; i += 2) {
    if (!strcmp(words[i], "-t")) options.token = words[i + 1];
    if (!strcmp(words[i], "-k")) options.api_key = words[i + 1];
    if (!strcmp(words[i], "-d")) options.body = words[i + 1];
  }
  if (in_flight < 1 || options.calls < 1) fail("CALLS and IN_FLIGHT must be positive");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, in_flight);
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  struct call *calls = calloc((size_t)in_flight, sizeof *calls);
  if (!multi || !headers || !calls) fail("out of memory");
  for (long i = 0; i < in_flight; i++) prepare(&calls[i], headers);
  double first = milliseconds();
  run(multi, calls, in_flight);
  fprintf(stderr, "%.3f\n", milliseconds() - first);
  return 0;
}
