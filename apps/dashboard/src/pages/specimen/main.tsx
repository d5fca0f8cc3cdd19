import '../../styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Specimen } from './specimen.tsx';

const place = document.getElementById('console');
if (!place) throw new Error('invariant broken: the page has no place for the specimen');
createRoot(place).render(
  <StrictMode>
    <Specimen />
  </StrictMode>,
);
