/** The old paths of the replaced build controller: translation only, over the operations of `#builds`. */
export { compatRoutes } from './routes.ts';
