/* The C interface from C: what it finds, what it refuses, and in which words. A failed check ends the
 * program. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/c_api/qcal.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      fprintf(stderr, "last message: %s\n", error.message);           \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static const char configuration[] =
    "{\"target_device\": \"CPU\", \"quantizable_data_type\": [\"input\", \"weights\", \"bias\", "
    "\"activation\"],"
    " \"overall_quantize_config\": {\"bit_width\": 8, \"method\": \"maxmin\", \"round_mode\": \"half_even\","
    " \"symmetry\": true, \"per_channel\": false, \"signed\": true, \"narrow_range\": false,"
    " \"scale_type\": \"float\", \"calib_statistic_method\": \"max\"},"
    " \"tensor_quantize_config\": {\"weights\": {\"per_channel\": true}}}";

static qcal_calibrator* make(void) {
  qcal_error error;
  qcal_calibrator* calibrator = NULL;
  const qcal_options options = {.size = sizeof options, .configuration = configuration, .backend = QCAL_CPU};
  CHECK(qcal_calibrator_create(&options, &calibrator, &error) == QCAL_OK);
  const qcal_declaration weights = {.size = sizeof weights,
                                    .role = QCAL_WEIGHTS,
                                    .layer_name = "conv1",
                                    .has_channel_axis = 1,
                                    .channel_axis = 0};
  CHECK(qcal_calibrator_declare(calibrator, "x", NULL, &error) == QCAL_OK);
  CHECK(qcal_calibrator_declare(calibrator, "w", &weights, &error) == QCAL_OK);
  return calibrator;
}

static qcal_status observe(qcal_calibrator* calibrator, const char* name, const float* values, int64_t rows,
                           int64_t index, qcal_error* error) {
  const int64_t shape[] = {rows, 2};
  const qcal_tensor batch = {.size = sizeof batch, .data = values, .dimensions = 2, .shape = shape};
  return qcal_calibrator_observe(calibrator, name, &batch, index, NULL, error);
}

static const float first[] = {-2.0f, 1.0f};
static const float second[] = {3.0f, 0.5f};
static const float weights[] = {1.0f, -4.0f, 0.5f, 0.25f};

static void check_result(qcal_calibrator* calibrator) {
  qcal_error error;
  qcal_result* result = NULL;
  CHECK(qcal_calibrator_finish(calibrator, &result, &error) == QCAL_OK);
  CHECK(qcal_result_count(result) == 2);
  qcal_parameters x = {.size = sizeof x};
  CHECK(qcal_result_tensor(result, 0, &x, &error) == QCAL_OK);
  CHECK(strcmp(x.name, "x") == 0 && x.channels == 1 && x.scale[0] == 3.0 / 127.0 && x.zero_point[0] == 0);
  CHECK(x.qmin == -128 && x.qmax == 127 && x.batches == 2 && x.elements == 4 && x.amax[0] == 3.0);
  qcal_parameters w = {.size = sizeof w};
  CHECK(qcal_result_tensor(result, 1, &w, &error) == QCAL_OK);
  CHECK(w.channels == 2 && w.scale[0] == 4.0 / 127.0 && w.scale[1] == 0.5 / 127.0);
  /* A caller that was built when the structure ended with its name. */
  qcal_parameters old = {.size = offsetof(qcal_parameters, channels), .channels = 77};
  CHECK(qcal_result_tensor(result, 1, &old, &error) == QCAL_OK);
  CHECK(strcmp(old.name, "w") == 0 && old.channels == 77);
  CHECK(qcal_result_tensor(result, 2, &w, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "tensor 2 of 2") == 0);
  CHECK(strstr(qcal_result_json(result), "\"name\": \"w\"") != NULL);
  qcal_result_destroy(result);
}

static void finds_parameters(void) {
  qcal_error error;
  qcal_calibrator* calibrator = make();
  CHECK(observe(calibrator, "x", first, 1, QCAL_NEXT, &error) == QCAL_OK);
  CHECK(observe(calibrator, "x", second, 1, QCAL_NEXT, NULL) == QCAL_OK);
  CHECK(observe(calibrator, "w", weights, 2, 0, &error) == QCAL_OK);
  CHECK(qcal_calibrator_complete(calibrator, "w", &error) == QCAL_OK && error.status == QCAL_OK);
  check_result(calibrator);
  qcal_calibrator_destroy(calibrator);
}

static void saves_and_merges(void) {
  qcal_error error;
  qcal_calibrator* one = make();
  qcal_calibrator* other = make();
  CHECK(observe(one, "x", first, 1, 0, &error) == QCAL_OK);
  CHECK(observe(other, "x", second, 1, 1, &error) == QCAL_OK);
  CHECK(observe(other, "w", weights, 2, 0, &error) == QCAL_OK);
  qcal_bytes* state = NULL;
  CHECK(qcal_calibrator_save(other, &state, &error) == QCAL_OK);
  const size_t size = qcal_bytes_size(state);
  CHECK(qcal_calibrator_merge(one, qcal_bytes_data(state), size - 1, "rank 1", &error) == QCAL_BAD_INPUT);
  CHECK(strstr(error.message, "rank 1: ") == error.message);
  CHECK(qcal_calibrator_merge(one, qcal_bytes_data(state), size, "rank 1", &error) == QCAL_OK);
  CHECK(qcal_calibrator_merge(one, qcal_bytes_data(state), size, NULL, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "\"x\": both shards hold batch 1") != NULL);
  check_result(one);
  qcal_bytes_destroy(state);
  qcal_calibrator_destroy(one);
  qcal_calibrator_destroy(other);
}

static void refuses_with_a_reason(void) {
  qcal_error error;
  qcal_calibrator* calibrator = NULL;
  qcal_options options = {
      .size = sizeof options, .configuration = "{\"target_device\": \"TPU\"}", .name = "c.json"};
  CHECK(qcal_calibrator_create(&options, &calibrator, &error) == QCAL_BAD_INPUT && calibrator == NULL);
  CHECK(strstr(error.message, "c.json:1:") == error.message && error.status == QCAL_BAD_INPUT);
  options.configuration = NULL;
  options.backend = (qcal_backend)7;
  CHECK(qcal_calibrator_create(&options, &calibrator, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "backend 7 is none") == 0);
  options.size = 0;
  CHECK(qcal_calibrator_create(&options, &calibrator, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(qcal_calibrator_create(NULL, &calibrator, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "options is NULL") == 0);
  struct {
    qcal_options known;
    int later;
  } newer = {{.size = sizeof newer, .backend = QCAL_CPU}, 0};
  CHECK(qcal_calibrator_create(&newer.known, &calibrator, &error) == QCAL_OK);
  qcal_calibrator_destroy(calibrator);
  newer.later = 1;
  CHECK(qcal_calibrator_create(&newer.known, &calibrator, &error) == QCAL_INVALID_ARGUMENT);

  calibrator = make();
  CHECK(observe(calibrator, "y", first, 1, 0, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strcmp(error.message, "tensor \"y\" was not declared") == 0);
  CHECK(observe(calibrator, "x", NULL, 1, 0, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(observe(calibrator, "x", first, -1, 0, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(observe(calibrator, "x", first, INT64_MAX, 0, NULL) == QCAL_INVALID_ARGUMENT);
  CHECK(observe(calibrator, NULL, first, 1, 0, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(observe(NULL, "x", first, 1, 0, &error) == QCAL_INVALID_ARGUMENT);
  const float broken[] = {NAN, 1.0f};
  CHECK(observe(calibrator, "x", broken, 1, 0, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "tensor \"x\", batch 0") == error.message);
  char name[3000];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  CHECK(observe(calibrator, name, first, 1, 0, &error) == QCAL_INVALID_ARGUMENT);
  CHECK(strlen(error.message) == sizeof error.message - 1);
  qcal_calibrator_destroy(calibrator);
  qcal_calibrator_destroy(NULL);
}

static void* feed(void* calibrator) {
  qcal_error error;
  for (int64_t index = 1; index < 200; index += 2)
    CHECK(observe(calibrator, "x", second, 1, index, &error) == QCAL_OK);
  return NULL;
}

static void threads_feed_one_calibrator(void) {
  qcal_error error;
  qcal_calibrator* calibrator = make();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, feed, calibrator) == 0);
  for (int64_t index = 0; index < 200; index += 2)
    CHECK(observe(calibrator, "x", first, 1, index, &error) == QCAL_OK);
  CHECK(observe(calibrator, "w", weights, 2, 0, &error) == QCAL_OK);
  pthread_join(thread, NULL);
  qcal_result* result = NULL;
  CHECK(qcal_calibrator_finish(calibrator, &result, &error) == QCAL_OK);
  qcal_parameters x = {.size = sizeof x};
  CHECK(qcal_result_tensor(result, 0, &x, &error) == QCAL_OK && x.batches == 200);
  qcal_result_destroy(result);
  qcal_calibrator_destroy(calibrator);
}

int main(int count, char** arguments) {
  qcal_error error = {QCAL_OK, ""};
  CHECK(count == 2 && strcmp(qcal_version(), arguments[1]) == 0);
  finds_parameters();
  saves_and_merges();
  refuses_with_a_reason();
  threads_feed_one_calibrator();
  return 0;
}
