/* qcal for harnesses in other languages: tensors in, batch by batch, quantization parameters out.
 *
 *   qcal_error error;
 *   qcal_calibrator *calibrator = NULL;
 *   qcal_options options = {sizeof options};
 *   if (qcal_calibrator_create(&options, &calibrator, &error) != QCAL_OK) { puts(error.message); ... }
 *   qcal_calibrator_declare(calibrator, "conv1.output", NULL, &error);
 *   qcal_tensor batch = {sizeof batch, values, QCAL_F32, QCAL_HOST, 4, shape};
 *   qcal_calibrator_observe(calibrator, "conv1.output", &batch, QCAL_NEXT, NULL, &error);
 *   qcal_result *result = NULL;
 *   qcal_calibrator_finish(calibrator, &result, &error);
 *
 * Every function that can fail returns a status and, where `error` is not NULL, leaves a message there;
 * nothing is thrown. Texts are UTF-8 and end with a zero byte; they and all other arguments are read before a
 * call returns. Structures begin with their size, so that later versions can add members: set it, and
 * everything that is not wanted to zero. Functions keep their meaning for as long as the library has its
 * version of symbols (QCAL_1).
 *
 * Threads: calls for different tensors of one calibrator run side by side, those for one tensor wait for each
 * other. A calibrator may be destroyed while calls are on their way in other threads, which then finish
 * undisturbed; calls must not begin afterwards. */
#ifndef QCAL_H
#define QCAL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define QCAL_EXPORT __attribute__((visibility("default")))
#else
#define QCAL_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qcal_status {
  QCAL_OK = 0,
  QCAL_INVALID_ARGUMENT = 1, /* an argument breaks a rule stated here, or the data contradict the settings */
  QCAL_BAD_INPUT = 2,        /* a configuration or state that cannot be used */
  QCAL_DEVICE_FAILED = 3,    /* a call of the CUDA runtime, or a kernel */
  QCAL_FAILED = 4            /* anything else: memory, the operating system */
} qcal_status;

typedef struct qcal_error {
  qcal_status status;
  char message[1020]; /* one line or several; cut off where it is longer */
} qcal_error;

typedef enum qcal_dtype { QCAL_F32 = 0, QCAL_F16 = 1, QCAL_BF16 = 2, QCAL_F64 = 3 } qcal_dtype;
typedef enum qcal_memory { QCAL_HOST = 0, QCAL_DEVICE = 1 } qcal_memory;
typedef enum qcal_role { QCAL_ACTIVATION = 0, QCAL_INPUT = 1, QCAL_WEIGHTS = 2, QCAL_BIAS = 3 } qcal_role;
typedef enum qcal_compatibility { QCAL_STANDARD = 0, QCAL_VITIS = 1 } qcal_compatibility;
typedef enum qcal_backend { QCAL_AUTO = 0, QCAL_CPU = 1, QCAL_CUDA = 2 } qcal_backend;
/* What becomes of batches with NaN or infinities. By default they are refused, with QCAL_VITIS left out. */
typedef enum qcal_non_finite {
  QCAL_NON_FINITE_DEFAULT = 0,
  QCAL_NON_FINITE_REJECT = 1,
  QCAL_NON_FINITE_SKIP = 2,
  QCAL_NON_FINITE_IGNORE = 3
} qcal_non_finite;

typedef struct qcal_calibrator qcal_calibrator;
typedef struct qcal_bytes qcal_bytes;
typedef struct qcal_result qcal_result;

typedef struct qcal_options {
  size_t size;               /* sizeof(qcal_options) */
  const char* configuration; /* JSON text in UG1414's format; NULL: UG1414's default */
  const char* name;          /* of the text, for messages; NULL: "configuration" */
  qcal_compatibility compatibility;
  qcal_backend backend;
  qcal_non_finite non_finite;
} qcal_options;

typedef struct qcal_declaration {
  size_t size; /* sizeof(qcal_declaration) */
  qcal_role role;
  const char* layer_name; /* matched against layer_name entries; NULL: none */
  const char* layer_type; /* against layer_type entries; NULL: none */
  int has_channel_axis;   /* not zero: channel_axis counts, which per_channel needs */
  int channel_axis;       /* negative counts from the end */
  const char* bias_input; /* of a 32-bit bias: the two tensors whose scales make its own; both or none */
  const char* bias_weights;
} qcal_declaration;

typedef struct qcal_tensor {
  size_t size; /* sizeof(qcal_tensor) */
  const void* data;
  qcal_dtype dtype;
  qcal_memory memory;
  size_t dimensions;
  const int64_t* shape;   /* [dimensions] */
  const int64_t* strides; /* [dimensions], in elements; NULL: C order without gaps */
} qcal_tensor;

/* Of one tensor; pointers are valid as long as the result is. real = scale * (q - zero_point). */
typedef struct qcal_parameters {
  size_t size; /* sizeof(qcal_parameters), to be set by the caller */
  const char* name;
  size_t channels; /* entries of the arrays: 1 without per_channel, 0 where the tensor stays float */
  const double* scale;
  const int64_t* zero_point;
  const double* amax;
  int64_t qmin;
  int64_t qmax;
  int64_t batches;
  uint64_t elements;
  uint64_t non_finite;
} qcal_parameters;

/* "0.1.0" */
QCAL_EXPORT const char* qcal_version(void);

QCAL_EXPORT qcal_status qcal_calibrator_create(const qcal_options* options, qcal_calibrator** calibrator,
                                               qcal_error* error);
QCAL_EXPORT void qcal_calibrator_destroy(qcal_calibrator* calibrator);

/* Announces a tensor; `declaration` may be NULL: an activation. */
QCAL_EXPORT qcal_status qcal_calibrator_declare(qcal_calibrator* calibrator, const char* name,
                                                const qcal_declaration* declaration, qcal_error* error);

#define QCAL_NEXT INT64_MIN

/* One batch. `index` orders the batches for mean and modal; QCAL_NEXT numbers them in order of arrival.
 * `stream` is the CUDA stream on which a device tensor is ready, and may be NULL; the tensor must stay until
 * the stream has passed. */
QCAL_EXPORT qcal_status qcal_calibrator_observe(qcal_calibrator* calibrator, const char* name,
                                                const qcal_tensor* batch, int64_t index, void* stream,
                                                qcal_error* error);

/* Finds the tensor's parameters and lets go of its statistics; it takes no more batches. */
QCAL_EXPORT qcal_status qcal_calibrator_complete(qcal_calibrator* calibrator, const char* name,
                                                 qcal_error* error);

/* What was observed so far, for a file or another process. */
QCAL_EXPORT qcal_status qcal_calibrator_save(qcal_calibrator* calibrator, qcal_bytes** state,
                                             qcal_error* error);
/* Takes over what another calibrator of the same configuration and declarations saved, of other batches or
 * tensors; a new one goes on from it. `name` is for messages and may be NULL. After an error tensors may be
 * merged or not. */
QCAL_EXPORT qcal_status qcal_calibrator_merge(qcal_calibrator* calibrator, const void* state, size_t bytes,
                                              const char* name, qcal_error* error);

QCAL_EXPORT const void* qcal_bytes_data(const qcal_bytes* bytes);
QCAL_EXPORT size_t qcal_bytes_size(const qcal_bytes* bytes);
QCAL_EXPORT void qcal_bytes_destroy(qcal_bytes* bytes);

/* The parameters of every declared tensor. To be called once. */
QCAL_EXPORT qcal_status qcal_calibrator_finish(qcal_calibrator* calibrator, qcal_result** result,
                                               qcal_error* error);

/* In order of declaration. */
QCAL_EXPORT size_t qcal_result_count(const qcal_result* result);
QCAL_EXPORT qcal_status qcal_result_tensor(const qcal_result* result, size_t number,
                                           qcal_parameters* parameters, qcal_error* error);
/* quant_params.json, valid as long as the result is. */
QCAL_EXPORT const char* qcal_result_json(const qcal_result* result);
QCAL_EXPORT void qcal_result_destroy(qcal_result* result);

#ifdef __cplusplus
}
#endif

#endif
