/** Other tools that follow a run: TensorBoard by its event files, MLflow by its server. */
package dev.sextant.nas.follow;
