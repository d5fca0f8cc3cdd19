/** Pictures: drawn by our own engine, turned into pixels, and the pipelines that other programs ask for. */
export { type Pipeline, type PipelineFault, parsePipeline, stepsMax as pipelineStepsMax } from './pipeline/parse.ts';
export { type Made, type PipelineAnswer, type RunOptions, runPipeline } from './pipeline/run.ts';
export { type PipelineJson, type PipelineOptions, pipelineOf, placeOfOurs } from './pipeline/targets.ts';
export {
  createRaster,
  type PngWidth,
  pngWidths,
  type Raster,
  type RasterOptions,
  type Redrawn,
  rasterDefaults,
} from './raster/raster.ts';
export { drawScene, engineVersion, sceneElementsMax, sceneSize } from './scene/draw-scene.ts';
export { familyIn } from './scene/family-in.ts';
