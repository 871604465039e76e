export { FAULT_POINTS, type FaultPoint, faultPoint } from '../files/fault.ts';
