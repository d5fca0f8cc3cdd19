/** Pictures: drawn by our own engine, turned into pixels, and the pipelines that other programs ask for. */
export { parsePipeline, type Pipeline, type PipelineFault, stepsMax as pipelineStepsMax } from './pipeline/parse.ts';
export { type Made, type PipelineAnswer, type RunOptions, runPipeline } from './pipeline/run.ts';
export { type PipelineJson, pipelineOf, type PipelineOptions, urlOfOurs } from './pipeline/targets.ts';
export { createRaster, type PngWidth, pngWidths, type Raster, rasterDefaults, type RasterOptions, type Redrawn } from './raster/raster.ts';
export { drawScene, engineVersion, sceneElementsMax, sceneSize } from './scene/draw-scene.ts';
export { familyIn } from './scene/family-in.ts';
