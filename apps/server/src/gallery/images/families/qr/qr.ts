import type { Family } from '../../drawing/sketch.ts';
import { landscape } from '../landscape/landscape.ts';

export const qr: Family = (order) => landscape(order);
