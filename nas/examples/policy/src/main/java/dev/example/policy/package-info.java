/** The search of GDAS (Dong and Yang, CVPR 2019) on chains of layers. */
package dev.example.policy;
